//! Tests across floors.

mod graph;
