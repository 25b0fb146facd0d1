"""One world from several sources: configurations, cables, clusters, and a file for the rest."""
