import pandas as pd
import plotly.graph_objects as go

from fmnist_core.exports.report import export_html, write_table


def test_a_table_has_a_header_line_and_six_digits_per_number() -> None:
    table = pd.DataFrame({"step": [1, 2], "loss": [1 / 3, 1234567.0]})
    assert write_table(table) == "step,loss\n1,0.333333\n2,1.23457e+06\n"


def test_a_page_with_several_figures_contains_plotly_once() -> None:
    figure = go.Figure(go.Scatter(y=[1, 2]))
    one, two = (export_html("Blue", "Loss.", [figure] * count) for count in (1, 2))
    assert one.startswith('<!doctype html>\n<html lang="en">')
    assert two.count('class="plotly-graph-div"') == 2
    assert 0 < len(two) - len(one) < 20_000


def test_a_name_from_a_user_stays_text() -> None:
    page = export_html("<script>alert(1)</script>\u202e", "a < b\x00", [])
    assert "<script>" not in page
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>" in page
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in page
    assert "<p>a &lt; b</p>" in page
