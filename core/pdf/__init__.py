"""Documents as PDF: fonts for any script, pages with a footer, tables that go over pages."""
