//! `/query` over two circles of two servers, compared with one server that holds all the data.

mod change;
mod flux;
mod formats;
mod into;
mod names;
mod refused;
mod replicas;
mod select;
mod show;
mod side_by_side;
