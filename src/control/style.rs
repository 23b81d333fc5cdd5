//! Colour and weight of text, where there is a terminal.

use anstyle::AnsiColor;

use crate::source::Look;

/// What a piece of text means to the reader; the words always say it, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// As it should not be.
    Bad,
    /// Not known, or unusual.
    Doubtful,
    /// What the reader looks for.
    Strong,
    /// What completes the picture.
    Faint,
}

impl Style {
    /// The style of a verdict, or of the state of a pool.
    pub(super) fn of_verdict(verdict: &str) -> Style {
        match verdict {
            "up" => Style::Good,
            "down" | "all-down" => Style::Bad,
            _ => Style::Doubtful,
        }
    }

    fn on_terminal(self) -> anstyle::Style {
        match self {
            Style::Plain => anstyle::Style::new(),
            Style::Good => AnsiColor::Green.on_default(),
            Style::Bad => AnsiColor::Red.on_default().bold(),
            Style::Doubtful => AnsiColor::Yellow.on_default(),
            Style::Strong => anstyle::Style::new().bold(),
            Style::Faint => anstyle::Style::new().dimmed(),
        }
    }
}

/// Text as it is drawn.
pub(crate) fn style(text: &str, style: Style, look: Look) -> String {
    match look {
        Look::Coloured if !text.is_empty() => {
            let style = style.on_terminal();
            format!("{style}{text}{style:#}")
        }
        Look::Plain | Look::Coloured => text.to_owned(),
    }
}
