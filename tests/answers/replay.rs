//! Runs the properties of the fuzz targets on each input of the corpus, and on mutations of it.
//!
//! `REPLAY_MUTATIONS=1000000 cargo test --release --test answers replay` searches longer. It prints an input
//! that fails; once the fault is mended, add the input to `tests/fuzz/corpus` under a name that says what it
//! is.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::properties::{TARGETS, Target};

/// Mutations per target: about a second each without optimisation.
const MUTATIONS: usize = 3_000;

/// Edits of one mutation.
const EDITS_MAX: usize = 6;

/// Longest input that is made, in bytes: as libFuzzer's own.
const INPUT_BYTES_MAX: usize = 4096;

/// Bytes at the edges of what a byte can mean.
const EDGES: &[u8] = &[0, 1, 0x0c, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff];

#[test]
fn any_query_is_answered_by_a_message_or_not_at_all() {
    replay("respond");
}

#[test]
fn any_stream_is_cut_into_the_same_queries() {
    replay("framing");
}

#[test]
fn any_zone_text_is_refused_or_written_as_it_was_read() {
    replay("zone_text");
}

#[test]
fn any_lua_code_is_refused_or_read() {
    replay("lua_text");
}

#[test]
fn any_config_is_refused_or_read() {
    replay("config");
}

#[test]
fn any_file_of_another_server_is_taken_over_or_has_a_fault() {
    replay("import_text");
}

#[test]
fn any_file_of_a_server_without_zones_or_with_views_is_taken_over_or_has_a_fault() {
    replay("import_others");
}

#[test]
fn any_message_of_an_upstream_is_dropped_or_passed_on_as_what_it_is() {
    replay("upstream_response");
}

#[test]
fn every_target_can_be_fuzzed() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("the manifest of the fuzz targets");
    for target in &TARGETS {
        let bin = format!("name = \"{0}\"\npath = \"targets/{0}.rs\"", target.name);
        assert!(manifest.contains(&bin), "{} is no program", target.name);
        let source = fs::read_to_string(folder().join(format!("targets/{}.rs", target.name)));
        assert!(source.is_ok_and(|text| text.contains(&format!("holds(\"{}\", input)", target.name))));
    }
}

/// Tries the corpus of a target, and mutations of it.
fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let corpus = corpus(name);
    for (file, input) in &corpus {
        judge(target, input, file);
    }
    let count = std::env::var("REPLAY_MUTATIONS").map_or(MUTATIONS, |text| text.parse().expect("a number"));
    let mut mutator =
        Mutator { target, corpus: &corpus, rng: TestRng::deterministic_rng(RngAlgorithm::ChaCha) };
    for _ in 0..count {
        let (file, input) = mutator.input();
        judge(target, &input, file);
    }
}

/// Fails with the input that a property does not hold for.
fn judge(target: &Target, input: &[u8], file: &str) {
    let held = catch_unwind(|| (target.holds)(input));
    assert!(held.is_ok(), "`{}` does not hold for {file} as b\"{}\"", target.name, input.escape_ascii());
}

/// The inputs that are kept, by their names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder().join("corpus").join(name)).expect("a corpus");
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "the corpus of {name} is empty");
    let read = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (file, fs::read(path).expect("a readable file"))
    };
    paths.iter().map(read).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// Makes inputs from others. The same ones in every run.
struct Mutator<'c> {
    target: &'c Target,
    corpus: &'c [(String, Vec<u8>)],
    rng: TestRng,
}

impl<'c> Mutator<'c> {
    /// An input, and the one it was made from.
    fn input(&mut self) -> (&'c str, Vec<u8>) {
        let (file, seed) = &self.corpus[self.below(self.corpus.len())];
        let mut input = seed.clone();
        for _ in 0..=self.below(EDITS_MAX) {
            self.edit(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        (file, input)
    }

    fn edit(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(16) + 1);
        match self.below(8) {
            0 => input.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (end % 8)),
            1 => {
                let edge = EDGES[self.below(EDGES.len())];
                input.iter_mut().skip(at).take(1).for_each(|byte| *byte = edge);
            }
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, piece);
            }
            4 => drop(input.splice(at..end, self.word().iter().copied())),
            5 => drop(input.splice(at..at, self.word().iter().copied())),
            6 => {
                let (_, other) = &self.corpus[self.below(self.corpus.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.insert(at, self.rng.next_u32().to_le_bytes()[0]),
        }
    }

    fn word(&mut self) -> &'static [u8] {
        self.target.words[self.below(self.target.words.len())]
    }

    /// A number below `bound`; 0 for 0.
    fn below(&mut self, bound: usize) -> usize {
        let number = usize::try_from(self.rng.next_u32()).unwrap_or(0);
        number.checked_rem(bound).unwrap_or(0)
    }
}
