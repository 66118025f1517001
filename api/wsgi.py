"""What gunicorn serves: the application under the settings of the working directory."""

from __future__ import annotations

from api import create_app
from cdp.settings import load

app = create_app(load())
