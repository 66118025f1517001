"""Run by an environment that has the published client: `python python_client.py segment|rudder URL KEY`."""

import sys

name, url, key = sys.argv[1:]
if name == "segment":
    from segment.analytics.client import Client
else:
    from rudderstack.analytics.client import Client

client = Client(key, host=url, upload_interval=0.1, max_retries=8)
client.identify("u-1", {"email": "ann@example.org", "firstName": "Ann"})
client.alias("visitor", "u-1")
client.group("u-1", "g-1", {"name": "Acme"})
client.page("u-1", "Docs", "Start", {"path": "/start"})
client.screen("u-1", "App", "Home")
for number in range(250):
    client.track("u-1", "Counted", {"number": number})
client.flush()
client.join()
