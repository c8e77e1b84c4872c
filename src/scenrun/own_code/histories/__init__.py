"""What threads have called on an object and what came of it: operations, results that can be compared, and their record."""
