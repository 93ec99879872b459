"""Pictures kept in the browser's tab."""
