"""QR codes (ISO/IEC 18004)."""

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode


def qr_code(text: str) -> list[list[bool]]:
    """The rows of the code, true for dark, with the light border that it needs."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make(fit=True)
    return [[bool(cell) for cell in row] for row in code.get_matrix()]
