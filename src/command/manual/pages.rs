//! Man pages of the program and its commands.
//!
//! Turns the text of `--help` into a page: paragraphs that end in a colon become headings.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// A man page.
pub(super) struct Page {
    /// Without the section: `edgedns-check`.
    pub(super) name: String,
    pub(super) text: String,
}

/// The section of the manual for commands of administrators.
pub(super) const SECTION: &str = "8";

/// What all pages say of where they come from.
pub(super) const SOURCE: &str = concat!("edgedns ", env!("CARGO_PKG_VERSION"));
pub(super) const MANUAL: &str = "edgedns Manual";
/// The same sources give the same pages, on any day. A blank: nothing at all would be left out, and the rest
/// move up.
pub(super) const NO_DATE: &str = " ";

/// The page of the program, then one for each command that is not hidden.
pub(super) fn pages(program: Command) -> io::Result<Vec<Page>> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add(&program, None, &mut pages)?;
    Ok(pages)
}

/// Adds the page of a command, and behind it those of its own commands.
fn add(command: &Command, above: Option<&str>, pages: &mut Vec<Page>) -> io::Result<()> {
    let below = || command.get_subcommands().filter(|one| !one.is_hide_set());
    let others: Vec<String> = above.map(str::to_owned).into_iter().chain(below().map(name)).collect();
    pages.push(page(command, &others)?);
    let own = name(command);
    below().try_for_each(|one| add(one, Some(&own), pages))
}

/// `edgedns-check`, as it is looked for in the manual.
fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// One page; `others` are the pages that it leads to.
fn page(command: &Command, others: &[String]) -> io::Result<Page> {
    let end = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let name = name(command);
    let man = Man::new(command.clone()).section(SECTION).date(NO_DATE).source(SOURCE).manual(MANUAL);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    sections(&mut rest, &end);
    rest.control("SH", ["SEE ALSO"]);
    for other in others {
        rest.text([bold(other.as_str()), roman(format!("({SECTION}),"))]);
    }
    rest.text([bold("edgedns.toml"), roman("(5)")]);
    rest.to_writer(&mut page)?;
    let text = String::from_utf8(page).map_err(io::Error::other)?;
    Ok(Page { name, text })
}

/// The end of a help text: headings at the margin, below them text that is shown unchanged.
fn sections(roff: &mut Roff, text: &str) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(heading) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) else { continue };
        roff.control("SH", [heading.to_uppercase().as_str()]);
        roff.control("nf", []);
        while let Some(line) = lines.next_if(|line| line.is_empty() || line.starts_with(' ')) {
            if !line.is_empty() {
                roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
            }
        }
        roff.control("fi", []);
    }
}
