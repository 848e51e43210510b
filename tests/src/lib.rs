//! End-to-end tests of the two programs.
