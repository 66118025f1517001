// Run in a folder that has the published clients: `node node_client.js segment|rudder URL KEY`.
const { createRequire } = require("module");
const path = require("path");
const [name, url, key] = process.argv.slice(2);
const load = createRequire(path.join(process.cwd(), "index.js"));

function everything(client) {
  client.identify({ userId: "u-1", traits: { email: "ann@example.org", firstName: "Ann" } });
  client.alias({ previousId: "visitor", userId: "u-1" });
  client.group({ userId: "u-1", groupId: "g-1", traits: { name: "Acme" } });
  client.page({ userId: "u-1", category: "Docs", name: "Start", properties: { path: "/start" } });
  client.screen({ userId: "u-1", category: "App", name: "Home" });
  for (let number = 0; number < 250; number++) client.track({ userId: "u-1", event: "Counted", properties: { number } });
}

async function segment() {
  const { Analytics } = load("@segment/analytics-node");
  const client = new Analytics({ writeKey: key, host: url, flushInterval: 100, maxEventsInBatch: 15 });
  client.on("error", (error) => console.error(error));
  everything(client);
  await client.closeAndFlush({ timeout: 60000 });
}

async function rudder() {
  const sdk = load("@rudderstack/rudder-sdk-node");
  const Analytics = sdk.default || sdk;
  const client = new Analytics(key, { dataPlaneUrl: url, flushInterval: 100, flushAt: 50 });
  everything(client);
  await client.flush();
}

(name === "segment" ? segment() : rudder()).then(
  () => setTimeout(() => process.exit(0), 1500),
  (error) => { console.error(error); process.exit(1); },
);
