"""What gunicorn serves: the application under the settings of the working directory."""

from __future__ import annotations

from api import create_app
from api.tracking import start_follower
from cdp.settings import load

app = create_app(load())
start_follower(app)
