//! What a client gets because of where it is: its view, its rate limit, its link; on a host that suspects itself, or elsewhere.

mod limit;
mod links;
mod suspicion;
mod views;
