"""Any page of the web: its article, its requisites, the links to posts elsewhere."""
