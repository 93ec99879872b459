"""Components with their own HTML, CSS and JavaScript, one folder each; JavaScript that several use is beside the folders."""
