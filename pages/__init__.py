"""One script a page; each is run by dashboard.py through `st.navigation`."""
