"""Receiving events: durable before the answer, each message once, in the order of each person, with a receipt for every one."""
