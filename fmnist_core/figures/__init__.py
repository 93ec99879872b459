"""Arrays and records → plotly figures, ECharts options and small images; never calls streamlit."""
