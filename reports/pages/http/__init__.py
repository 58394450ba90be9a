"""Languages, links, formats and responses of public pages."""
