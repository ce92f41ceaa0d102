"""The first page of the API's description, in Markdown."""

FIRST_PAGE = """\
Accounts, deposits, withdrawals and transfers on an immutable double-entry ledger. Every example
below works as it stands on a fresh demo bank (`make run`), where the ids of the examples exist.
There are two exceptions. *Release debits* answers 409, since the books of a fresh bank are sound.
The routes of OAuth 2.0 also ask for `client_id` and `client_secret`, which only you know.

## Tokens

A program is a *client* of the bank: it has an id, a secret, scopes, and a user whose rights it has.
It gets a token by `POST oauth/token/` (OAuth 2.0 client credentials, RFC 6749) and sends it as
`Authorization: Bearer TOKEN`. A token lasts 15 minutes. A request without `scope` gets all scopes
of the client. **Authorize** on this page does the same. Staff who are logged in to the console need
no token here.

## Amounts

Amounts are strings in main units with a decimal point, as `"75.50"`: never numbers, whose binary
fractions are inexact. They have at most the digits of their currency (ISO 4217).

## Keys

Send an `Idempotency-Key` with each request that moves money. If the answer is lost, send the same
request with the same key: the bank moves the money once and answers as it did the first time, with
`Idempotent-Replayed: true`. The same key with another request is refused.

## Pages

Lists have the newest rows first. `next` and `previous` are links with a cursor, or null at an end;
follow them as they are. Rows that are added meanwhile move nothing. `page_size` is the number of
rows, at most 200.

## Errors

An error is a problem (RFC 9457, `application/problem+json`). `code` is for programs and does not
change; `detail` is a sentence for people; `errors` points at each wrong member of the body. A
refused movement of money stays as a failed transaction, which can be retried unless its failure is
final. Repeat a request after 429 or 503 once the time in `Retry-After` is over.

## Conditional requests

Reads of one account or transaction have an `ETag`. With `If-None-Match` an unchanged row is a 304
without a body. With `If-Match` a change of an account is refused (412) if somebody has changed it
since you read it.
"""
