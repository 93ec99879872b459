"""Page config and navigation; `streamlit run dashboard.py` starts here."""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="Fashion-MNIST: watch a network learn", page_icon="👕", layout="wide")
st.html(Path(__file__).parent / "pages" / "parts" / "style.css")

# Every URL differs from its file's name: Streamlit takes a folder called `pages` for its older kind of app otherwise.
PAGES = [
    st.Page("pages/home.py", title="Home", icon=":material/home:", url_path="start", default=True),
    st.Page("pages/browse.py", title="Browse", icon=":material/grid_view:", url_path="samples"),
    st.Page("pages/train.py", title="Train", icon=":material/show_chart:", url_path="training"),
    st.Page("pages/evaluate.py", title="Evaluate", icon=":material/rule:", url_path="evaluation"),
    st.Page("pages/look_inside.py", title="Look inside", icon=":material/biotech:", url_path="kernels"),
    st.Page("pages/predict.py", title="Predict", icon=":material/draw:", url_path="prediction"),
]
st.navigation(PAGES, position="top").run()
