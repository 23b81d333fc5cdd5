//! Finds the running server: the two arguments of every command to one.
//!
//! `tools` connects.

use std::path::PathBuf;

use clap::Args;
use edgedns::tools::{Server, USUAL_SOCKET};

#[derive(Args)]
pub(super) struct ServerArguments {
    /// Config file of the server, whose `[admin]` table names the socket.
    #[arg(long, value_name = "FILE", conflicts_with = "socket")]
    config: Option<PathBuf>,
    /// Control socket of the server.
    #[arg(long, value_name = "SOCKET", default_value = USUAL_SOCKET)]
    socket: PathBuf,
}

impl From<ServerArguments> for Server {
    fn from(arguments: ServerArguments) -> Self {
        match arguments.config {
            Some(config) => Server::Config(config),
            None => Server::Socket(arguments.socket),
        }
    }
}
