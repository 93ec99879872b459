"""Charts as a stand-alone page, and tables as CSV."""

import html
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from fmnist_core.store.text import visible_line


def export_html(title: str, text: str, figures: Sequence[go.Figure]) -> str:
    """A page with interactive figures that works offline, about 5 MB because it contains plotly's code.

    Args:
        text: what the figures show, in words.
    """
    charts = [figure.to_html(full_html=False, include_plotlyjs=number == 0) for number, figure in enumerate(figures)]
    name = html.escape(visible_line(title))
    head = f'<meta charset="utf-8"><title>{name}</title><style>body {{ font-family: sans-serif; margin: 24px; }}</style>'
    body = f"<h1>{name}</h1><p>{html.escape(visible_line(text))}</p>{''.join(charts)}"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def write_table(table: pd.DataFrame) -> str:
    """A table as CSV, with a header line and six digits per number."""
    return str(table.to_csv(index=False, float_format="%.6g"))
