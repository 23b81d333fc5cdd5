//! A node that is imported: a copy of its files in a scratch folder, and what `edgedns import` made of them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A scratch folder with a copy of a node's files.
pub struct Node {
    folder: TempDir,
}

/// What an import said and wrote.
pub struct Imported {
    /// The exit status.
    pub status: Option<i32>,
    /// What became of every setting.
    pub report: String,
    /// Faults, open doors and the check.
    pub faults: String,
    /// The config file; empty when none was written.
    pub config: String,
}

impl Node {
    /// A node with these files.
    pub fn new(files: &[(&str, &str)]) -> Node {
        let node = Node { folder: tempfile::tempdir().expect("a scratch folder") };
        for (path, text) in files {
            node.write(path, text);
        }
        node
    }

    /// A copy of one of the nodes below `tests/data`.
    pub fn seed(name: &str) -> Node {
        let node = Node::new(&[]);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data").join(name);
        node.copy(&root, &root);
        node
    }

    fn copy(&self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder of the data") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.copy(root, &path);
            } else {
                let text = fs::read_to_string(&path).expect("a text");
                self.write(path.strip_prefix(root).expect("below the root").to_str().expect("a name"), &text);
            }
        }
    }

    /// The place of a file of the node.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The text of a file; empty where there is no such file.
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    /// Writes a file, and the folders it is in.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a scratch folder");
        fs::write(path, text).expect("a scratch file");
    }

    /// Writes a file anew with other words in it, which must be there.
    pub fn replace(&self, file: &str, old: &str, new: &str) {
        let text = self.read(file);
        assert!(text.contains(old), "{file} has no {old:?}");
        self.write(file, &text.replace(old, new));
    }

    /// Replaces words in every file.
    pub fn replace_everywhere(&self, old: &str, new: &str) {
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a scratch folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = fs::read_to_string(&path).expect("a text");
                    fs::write(&path, text.replace(old, new)).expect("a scratch file");
                }
            }
        }
    }

    /// `edgedns import pdns` of `etc/pdns`, and of `etc/pdns-recursor` where that is.
    pub fn import_pdns(&self, into: &Path, more: &[&str]) -> Imported {
        let mut arguments = vec!["pdns".into(), "--from".into(), self.path("etc/pdns")];
        if self.path("etc/pdns-recursor").exists() {
            arguments.extend(["--recursor".into(), self.path("etc/pdns-recursor")]);
        }
        self.import(arguments, into, more)
    }

    /// `edgedns import named` of `etc/named.conf`.
    pub fn import_named(&self, into: &Path) -> Imported {
        self.import(vec!["named".into(), "--from".into(), self.path("etc/named.conf")], into, &[])
    }

    /// The same into a folder beside the files.
    pub fn named(&self) -> Imported {
        self.import_named(&self.path("new"))
    }

    /// `edgedns import` of one of two servers, with paths below the scratch folder as arguments of `--from` and
    /// `--recursor`, into a folder beside the files.
    pub fn import_of(&self, server: &str, from: &str, recursor: Option<&str>) -> Imported {
        let mut arguments = vec![server.into(), "--from".into(), self.path(from)];
        if let Some(recursor) = recursor {
            arguments.extend(["--recursor".into(), self.path(recursor)]);
        }
        self.import(arguments, &self.path("new"), &[])
    }

    /// `edgedns import` of another server, from a path below the scratch folder and with more arguments, into a
    /// folder beside the files.
    pub fn import_with(&self, server: &str, from: &str, more: &[&str]) -> Imported {
        self.import(vec![server.into(), "--from".into(), self.path(from)], &self.path("new"), more)
    }

    fn import(&self, arguments: Vec<PathBuf>, into: &Path, more: &[&str]) -> Imported {
        let mut command = crate::program::command();
        command.arg("import").args(arguments).arg("--into").arg(into).args(more);
        let output = command.env("NO_COLOR", "1").output().expect("the program runs");
        let root = self.folder.path().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8").replace(&root, "");
        Imported {
            status: output.status.code(),
            report: text(output.stdout),
            faults: text(output.stderr),
            config: fs::read_to_string(into.join("edgedns.toml")).unwrap_or_default().replace(&root, ""),
        }
    }

    /// Imports into a folder beside the files.
    pub fn pdns(&self) -> Imported {
        self.import_pdns(&self.path("new"), &[])
    }
}

impl Imported {
    /// Fails unless the report has this setting with this fate.
    pub fn assert_fate(&self, setting: &str, kind: &str, text: &str) {
        let columns = |line: &str| {
            line.split("  ").map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let found = self.report.lines().map(columns).any(|line| {
            let [.., shown, fate, said] = line.as_slice() else { return false };
            shown == setting && fate == kind && said.contains(text)
        });
        assert!(found, "no `{setting}` that is {kind}: {text}\n{}\n{}", self.report, self.faults);
    }

    /// Fails unless the config has each of these lines, remarks left out.
    pub fn assert_lines(&self, wanted: &[&str]) {
        let lines: Vec<&str> =
            self.config.lines().map(|line| line.split(" #").next().unwrap_or_default().trim()).collect();
        for line in wanted {
            assert!(lines.contains(line), "no {line} in\n{}\n{}\n{}", self.config, self.report, self.faults);
        }
    }

    /// The last line that it said.
    pub fn last_line(&self) -> &str {
        self.faults.lines().last().unwrap_or_default()
    }

    /// Fails unless every piece of text is among the faults.
    pub fn assert_faults(&self, wanted: &[&str]) {
        for text in wanted {
            assert!(self.faults.contains(text), "no {text:?} in\n{}", self.faults);
        }
    }
}
