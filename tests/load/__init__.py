"""A class at the dashboard, without browsers: sessions that speak Streamlit's protocol over a websocket; `python -m tests.load`."""
