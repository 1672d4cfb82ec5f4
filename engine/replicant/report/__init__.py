"""Views of results: a plain document as text for a terminal, as a fragment of HTML, or as a page."""
