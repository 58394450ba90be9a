"""Everything public: what is shown, releases, open data."""
