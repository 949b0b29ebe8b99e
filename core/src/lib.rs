//! Graph, formats, optimization, execution, measurement, export.
