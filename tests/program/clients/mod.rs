//! What a client gets because of where it is: its view, its rate limit, its link.

mod limit;
mod links;
mod views;
