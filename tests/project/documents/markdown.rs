//! Pages as text: code blocks, links, headings, words set in code.

use std::path::{Path, PathBuf};

use super::ROOT;

/// A page of the documentation.
pub(super) struct Page {
    /// Below the root of the project: `docs/answers.md`.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Every page, the front page first.
pub(super) fn pages() -> Vec<Page> {
    let docs = std::fs::read_dir(Path::new(ROOT).join("docs")).expect("the folder of the manual");
    let names = docs.flatten().map(|entry| entry.file_name());
    let mut manual: Vec<PathBuf> = names.map(|name| Path::new("docs").join(name)).collect();
    manual.retain(|path| path.extension().is_some_and(|end| end == "md"));
    manual.sort();
    let others = ["README.md", "CHANGELOG.md", "systemd/README.md", "tests/README.md"].map(PathBuf::from);
    others.into_iter().chain(manual).map(Page::read).collect()
}

impl Page {
    pub(super) fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(Path::new(ROOT).join(&path));
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The code blocks of a language, as in ```` ```sh ````, with the indentation of their first line taken off.
    pub(super) fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut open: Option<(usize, Option<String>)> = None;
        for line in self.text.lines() {
            let fence = line.trim_start().strip_prefix("```");
            open = match (open, fence) {
                (None, Some(named)) => {
                    Some((line.len() - line.trim_start().len(), (named == language).then(String::new)))
                }
                (Some((_, block)), Some(_)) => {
                    blocks.extend(block);
                    None
                }
                (Some((indent, Some(block))), None) => {
                    Some((indent, Some(block + line.get(indent..).unwrap_or_default() + "\n")))
                }
                (other, None) => other,
            };
        }
        assert!(open.is_none(), "{}: a code block is not closed", self.name());
        blocks
    }

    /// The text outside of code blocks.
    fn prose(&self) -> String {
        let mut in_block = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            let is_fence = line.trim_start().starts_with("```");
            in_block ^= is_fence;
            if !in_block && !is_fence {
                prose += line;
                prose.push('\n');
            }
        }
        prose
    }

    /// What is set as code in the prose: `between backquotes`.
    pub(super) fn codes(&self) -> Vec<String> {
        let prose = self.prose().replace("`` ", "").replace(" ``", "");
        let codes =
            prose.split("\n\n").flat_map(|part| part.split('`').skip(1).step_by(2).map(str::to_owned));
        codes.map(|code| code.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// Where its links lead, as they are written: `operating.md#log`.
    pub(super) fn links(&self) -> Vec<String> {
        let prose = self.prose();
        let mut plain = String::new();
        prose.split('`').step_by(2).for_each(|part| plain += part);
        let targets = plain.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
        targets.filter(|target| !target.starts_with("https://")).collect()
    }

    /// What a link to each of its headings ends with, as forges make it.
    pub(super) fn anchors(&self) -> Vec<String> {
        let prose = self.prose();
        let headings = prose.lines().filter_map(|line| line.strip_prefix('#'));
        headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    }
}

/// Lower case, hyphens for blanks, and nothing but letters and digits besides.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>().to_lowercase()
}

#[test]
fn a_page_is_read_as_a_forge_reads_it() {
    let text = "# A `b`, c\n\nSee [d](e.md#f-g) and `[h](i)`.\n\n   ```sh\n   run\n     it\n   ```\n";
    let page = Page { path: PathBuf::from("x.md"), text: text.to_owned() };
    assert_eq!(page.anchors(), ["a-b-c"]);
    assert_eq!(page.links(), ["e.md#f-g"]);
    assert_eq!(page.codes(), ["b", "[h](i)"]);
    assert_eq!(page.blocks("sh"), ["run\n  it\n"]);
}
