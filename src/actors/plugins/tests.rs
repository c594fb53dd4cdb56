//! The actor and its handle over the embedded store, with plugins that are built in and executables that are none.

mod loading;
mod tasks;
mod world;
