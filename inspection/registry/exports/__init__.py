"""The register as files: the template, the export in the same form, the findings beside the rows."""
