// A deposit, a transfer and a history, by the TypeScript client that is generated from the schema.
//
// Takes BANK_URL, CLIENT_ID and CLIENT_SECRET from the environment. docs/clients.md says how to run
// it.

import { randomUUID } from "node:crypto";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./bank.js";

type Json = "application/json" | "application/problem+json";
type Bank = Client<paths, Json>;
type Schemas = components["schemas"];

const SCOPES = "accounts:read accounts:write transactions:read transactions:write";

/** The bank answered a problem or an error of OAuth2; `code` names it. */
class Refused extends Error {
  readonly code: string;

  constructor(answer: Schemas["Problem"] | Schemas["OAuthError"]) {
    const code = "code" in answer ? answer.code : answer.error;
    super(`${code}: ${"code" in answer ? answer.detail : (answer.error_description ?? "")}`);
    this.code = code;
  }
}

/** The body of a success. Throws Refused for an error. */
function made<T>(answer: { data?: T; error?: Schemas["Problem"] | Schemas["OAuthError"] }): T {
  if (answer.error !== undefined) throw new Refused(answer.error);
  if (answer.data === undefined) throw new Error("The answer has no body.");
  return answer.data;
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name}.`);
  return value;
}

async function login(baseUrl: string): Promise<Bank> {
  const bank = createClient<paths, Json>({ baseUrl });
  const { access_token } = made(
    await bank.POST("/api/v1/oauth/token/", {
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: {
        grant_type: "client_credentials",
        scope: SCOPES,
        client_id: setting("CLIENT_ID"),
        client_secret: setting("CLIENT_SECRET"),
      },
    }),
  );
  return createClient<paths, Json>({ baseUrl, headers: { Authorization: `Bearer ${access_token}` } });
}

async function openAccount(bank: Bank, name: string): Promise<string> {
  return made(await bank.POST("/api/v1/accounts/", { body: { name } })).account_id;
}

/** Sent twice with one key, as after an answer that was lost, it has one effect. */
async function deposit(bank: Bank, account_id: string, amount: string, key: string) {
  return made(
    await bank.POST("/api/v1/accounts/{account_id}/deposit/", {
      params: { path: { account_id }, header: { "Idempotency-Key": key } },
      body: { amount, description: "Salary" },
    }),
  );
}

async function transfer(bank: Bank, payer: string, payee: string, amount: string) {
  return made(
    await bank.POST("/api/v1/accounts/{account_id}/transfer/", {
      params: { path: { account_id: payer }, header: { "Idempotency-Key": randomUUID() } },
      body: { target_account_id: payee, amount },
    }),
  );
}

/** All transactions of the account, newest first, read in pages of two. */
async function* history(bank: Bank, account_id: string) {
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Schemas["AccountTransactionPage"] = made(
      await bank.GET("/api/v1/accounts/{account_id}/transactions/", {
        params: { path: { account_id }, query: { page_size: 2, ...(cursor && { cursor }) } },
      }),
    );
    yield* page.results;
    cursor = page.next && new URL(page.next).searchParams.get("cursor");
  }
}

/** The history as a file. */
async function csv(bank: Bank, account_id: string): Promise<string> {
  return made(
    await bank.GET("/api/v1/accounts/{account_id}/transactions/", {
      params: { path: { account_id }, query: { format: "csv" } },
      parseAs: "text",
    }),
  );
}

const bank = await login(setting("BANK_URL"));
const payer = await openAccount(bank, "TypeScript Payer");
const payee = await openAccount(bank, "TypeScript Payee");

const key = randomUUID();
const first = await deposit(bank, payer, "100.00", key);
const again = await deposit(bank, payer, "100.00", key);
if ("dry_run" in first || "dry_run" in again || first.transaction_id !== again.transaction_id) {
  throw new Error("One key made two deposits.");
}
const sent = await transfer(bank, payer, payee, "30.25");
console.log("Balance after the transfer:", sent.balance_after);
try {
  await transfer(bank, payer, payee, "500.00");
} catch (error) {
  if (!(error instanceof Refused && error.code === "insufficient_funds")) throw error;
  console.log("Refused:", error.message);
}
for await (const row of history(bank, payer)) {
  console.log(row.type, row.direction, row.amount, row.status);
}
const lines = (await csv(bank, payer)).trimEnd().split("\r\n");
console.log("Lines of the CSV file:", lines.length);
