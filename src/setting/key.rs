//! Keys as data: what holds when one is left out, what its value holds, and one line of help.

/// What holds when a key is left out. Values are written as in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The same as this value.
    Default(&'static str),
    /// The value of the key of the same name in `[probe]`.
    Inherited,
    /// Nothing is set; the help says what that means.
    Unset {
        /// A value one might write.
        example: &'static str,
    },
    /// It cannot be left out.
    Required {
        /// A value one might write.
        example: &'static str,
    },
}

/// What the value of a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A setting.
    Setting,
    /// The name of a file that goes where the configuration goes.
    File,
    /// The name of a file that nobody else may see.
    SecretFile,
    /// The name of something that is on the host, and stays there: other programs make it.
    HostFile,
    /// A secret.
    Secret,
    /// A setting that has tables, in which the values of these keys may be secrets.
    SecretsOf(&'static [&'static str]),
    /// Headers of HTTP. The values of those that prove who asks are secrets.
    Headers,
}

/// A key of some table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// The key itself.
    pub name: &'static str,
    /// What holds without it.
    pub absent: Absent,
    /// What it says and who needs it, in one line.
    pub help: &'static str,
    /// What its value holds.
    pub holds: Holds,
}

impl KeyEntry {
    /// A key whose value is a setting.
    pub const fn new(name: &'static str, absent: Absent, help: &'static str) -> KeyEntry {
        KeyEntry { name, absent, help, holds: Holds::Setting }
    }

    /// The same key, whose value holds something else.
    #[must_use]
    pub const fn holding(self, holds: Holds) -> KeyEntry {
        KeyEntry { holds, ..self }
    }
}
