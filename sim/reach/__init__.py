"""Lists of who reaches whom: in fabrics, in clusters, through doors."""
