"""How answers look: tables, formats, pictures, files, diagnostics."""
