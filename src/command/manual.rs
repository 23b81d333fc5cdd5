//! `edgedns manual`: writes man pages and shell completions, for packages.
//!
//! Decides which files there are and where they go. The text of a page comes from the commands and keys
//! themselves.

mod pages;

mod config_page;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::{Shell, generate};
use edgedns::delivery::{Existing, File, Readers, write_files};
use edgedns::tools::RemoteError;

use pages::{SECTION, pages};

use super::exit_code::{exit_code, fail};

/// The shells that there are completions for, each with the name its package looks for.
const SHELLS: [(Shell, &str); 3] =
    [(Shell::Bash, "edgedns.bash"), (Shell::Zsh, "_edgedns"), (Shell::Fish, "edgedns.fish")];

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns manual --into /usr/share/edgedns

Exit status:
  0  the files are written
  1  one of them cannot be written
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// Folder for man pages and completions; existing files are replaced.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

impl Arguments {
    pub(super) fn run(self, program: fn() -> Command) -> ExitCode {
        let files = match files(program) {
            Ok(files) => files,
            Err(error) => return fail(&error),
        };
        match write_files(&files, &self.into, Existing::Replaced) {
            Ok(written) => exit_code(tell(&written).map(|()| true).map_err(RemoteError::Output)),
            Err(error) => fail(&error),
        }
    }
}

fn tell(written: &[PathBuf]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    written.iter().try_for_each(|file| writeln!(out, "wrote {}", file.display()))
}

/// The whole manual.
fn files(program: fn() -> Command) -> io::Result<Vec<File<'static>>> {
    let mut files = Vec::new();
    for page in pages(program())? {
        files.push(File::of_text(format!("man/{}.{SECTION}", page.name), page.text));
    }
    files.push(File::of_text("man/edgedns.toml.5", config_page::page()));
    for (shell, name) in SHELLS {
        let mut text = Vec::new();
        generate(shell, &mut program(), "edgedns", &mut text);
        let path = PathBuf::from("completions").join(name);
        files.push(File { path, bytes: text.into(), readers: Readers::Usual });
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
