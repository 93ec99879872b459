"""One script per page; dashboard.py runs them through `st.navigation`."""
