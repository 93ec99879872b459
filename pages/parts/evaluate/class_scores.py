"""Precision, recall and F1 of each class as a table, explained in plain words."""

import pandas as pd
import streamlit as st

from fmnist_core.evaluation.evaluation import Evaluation


def show_class_scores(evaluation: Evaluation) -> None:
    """Shows precision, recall and F1 of each class, and explains them."""
    st.subheader("Class by class", anchor=False)
    help = {
        "Precision": "When the network predicts this class, how often is it right?",
        "Recall": "Of all images of this class, how many does the network find?",
        "F1": "Precision and recall in one figure, which is high only if both are (their harmonic mean).",
    }
    st.markdown("\n".join(f"- **{name}**: {text}" for name, text in help.items()))
    hardest = evaluation.hardest_class
    if hardest is not None:
        found, support = int(evaluation.confusion[hardest, hardest]), int(evaluation.support[hardest])
        st.write(f"The hardest class is **{evaluation.class_names[hardest]}**: of its {support:,} images the network finds {found:,}.")
    percent = {"Precision": evaluation.precision, "Recall": evaluation.recall, "F1": evaluation.f1}
    table = pd.DataFrame({"Class": evaluation.class_names} | {name: 100 * share for name, share in percent.items()})
    table["Images"] = evaluation.support
    columns = {name: st.column_config.NumberColumn(name, format="%.1f %%", help=help[name]) for name in percent}
    columns["Images"] = st.column_config.NumberColumn("Images", format="localized", help="How many test images belong to this class.")
    st.dataframe(table, hide_index=True, width="stretch", height="content", column_config=columns)
