//! The architecture, held: rooms and files look down, files say what they are for, `unsafe` and cryptography have
//! their addresses, no drawers.
//!
//! Reads the text of `src` alone. Whether a room is the right one is for people to say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The files that may hold `unsafe`: calls of the system and of the C library that std does not have.
const UNSAFE: [&str; 2] = ["transport/mmsg.rs", "allocator.rs"];

/// Names of files and folders into which anything could be put.
const DRAWERS: [&str; 7] = ["utils", "util", "common", "helpers", "misc", "types", "manager"];

/// At every scale: rooms in the order of `lib.rs`, files in the order of the list of modules they stand in. A file
/// uses what is listed before it, and nothing that a file above its folder defines; so there is no circle.
#[test]
fn a_module_uses_only_modules_listed_before_it() {
    let tree = Tree::read();
    assert!(tree.modules[&Vec::new()].children.len() > 15, "the rooms are the `pub mod` lines of src/lib.rs");
    let uses: Vec<Use> = tree.modules.keys().flat_map(|user| tree.uses(user)).collect();
    let faulty = || uses.iter().filter_map(|one| Some((one.list.as_str(), tree.fault(one)?)));
    let faults: BTreeSet<String> = faulty().map(|(_, fault)| fault).collect();
    let lists: BTreeSet<&str> = faulty().map(|(list, _)| list).collect();
    let remedies = lists.iter().map(|list| tree.remedy(list, &uses));
    let lines: Vec<String> = faults.iter().cloned().chain(remedies).collect();
    assert!(faults.is_empty(), "{} uses look up or round:\n{}", faults.len(), lines.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    fault_free(|_, text| (!text.starts_with("//! ")).then_some(1), "does not begin with `//! `");
}

#[test]
fn unsafe_is_where_its_addresses_are() {
    // With a hyphen it is a word of a browser's policy.
    let word = |line: &str| line.replace("unsafe-", "");
    let blocks =
        |text: &str| text.lines().position(|line| words(&word(code(line))).any(|word| word == "unsafe"));
    fault_free(
        |file, text| blocks(text).filter(|_| !UNSAFE.contains(&file)).map(|line| line + 1),
        "holds `unsafe`",
    );
}

/// Most builds have one cryptographic module: what names it elsewhere is found by nobody until the other one is built.
#[test]
fn a_cryptographic_module_is_named_in_its_room_alone() {
    const NAMES: [&str; 4] = ["crypto::ring", "aws_lc_rs", "feature = \"fips\"", "feature = \"ring\""];
    let is_path = |code: &str| {
        let is_word = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        code.match_indices("ring::").any(|(at, _)| is_word(&code[..at]))
    };
    let names = |line: &str| is_path(code(line)) || NAMES.iter().any(|name| code(line).contains(name));
    let unhoused = |text: &str| text.lines().position(names).map(|line| line + 1);
    fault_free(
        |file, text| if file == "crypto.rs" { None } else { unhoused(text) },
        "names a cryptographic module: say `crate::crypto`",
    );
}

#[test]
fn no_file_is_a_drawer() {
    let drawer = |file: &str| file.split(['/', '.']).any(|part| DRAWERS.contains(&part));
    fault_free(|file, _| drawer(file).then_some(1), "says nothing: which room is missing?");
}

/// No number becomes a length or an offset that is not its own: a substitute is never taken, and the line says why.
#[test]
fn a_conversion_with_a_substitute_says_why_it_cannot_fail() {
    /// Lines above that the reason may stand in: a closure or a pattern begins before the conversion.
    const NEAR: usize = 3;
    let substitutes = |line: &str| {
        let code = code(line);
        let kept = code.contains(".unwrap_or(") || code.contains(".unwrap_or_default()");
        kept && (code.contains("try_from(") || code.contains("MAX)"))
    };
    let unsaid = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        let said = |at: usize| lines[at.saturating_sub(NEAR)..=at].iter().any(|line| line.contains("//"));
        (0..lines.len()).find(|at| substitutes(lines[*at]) && !said(*at)).map(|at| at + 1)
    };
    let tests = |file: &str| file.contains("tests") || file.contains("scenarios");
    fault_free(
        |file, text| if tests(file) { None } else { unsaid(text) },
        "a conversion with a substitute, and no comment that says why it cannot fail",
    );
}

/// A module's path from the root of the crate: its room, its folder, its file.
type ModulePath = Vec<String>;

/// The modules of `src` without those of tests; `main.rs` and what belongs to it stands above `lib.rs`.
struct Tree {
    modules: BTreeMap<ModulePath, Module>,
}

struct Module {
    /// Where it stands, below `src`.
    file: String,
    /// What is left of its text: no comment, no string, no test.
    tokens: Vec<Token>,
    /// Its modules, in the order of the list.
    children: Vec<String>,
    /// What it imports: the name here, and the path that was written.
    imports: BTreeMap<String, ModulePath>,
}

/// A use by a module of something that is not below it.
struct Use {
    /// The file with the list of modules in which both stand.
    list: String,
    /// File and line.
    place: String,
    /// The module of that list which uses, itself or a file in its folder.
    user: String,
    used: Used,
}

enum Used {
    /// Another module of the list.
    Beside(String),
    /// Something that the file with the list defines.
    Above(String),
}

/// A word or a sign, and the line it stands in.
struct Token {
    text: String,
    line: usize,
}

impl Tree {
    fn read() -> Tree {
        let mut tree = Tree { modules: BTreeMap::new() };
        tree.add(Vec::new(), "lib.rs".into());
        let main = Module::read("main.rs".into());
        for child in main.children {
            tree.add_child(&Vec::new(), "", &child);
            tree.modules.get_mut(&Vec::new()).expect("the root is there").children.push(child);
        }
        tree
    }

    fn add(&mut self, path: ModulePath, file: String) {
        let module = Module::read(file);
        let stem = module.file.trim_end_matches(".rs");
        let folder = stem.strip_suffix("/mod").or(stem.strip_suffix("lib")).unwrap_or(stem).to_string();
        for child in &module.children {
            self.add_child(&path, &folder, child);
        }
        self.modules.insert(path, module);
    }

    fn add_child(&mut self, parent: &ModulePath, folder: &str, child: &str) {
        let stem = if folder.is_empty() { child.to_string() } else { format!("{folder}/{child}") };
        let file = [format!("{stem}.rs"), format!("{stem}/mod.rs")]
            .into_iter()
            .find(|file| source().join(file).exists())
            .unwrap_or_else(|| panic!("no file for the module {child} of src/{folder}"));
        self.add([parent.clone(), vec![child.to_string()]].concat(), file);
    }

    /// Every use by a module of something beside or above it.
    fn uses(&self, user: &ModulePath) -> Vec<Use> {
        let module = &self.modules[user];
        let mut uses = Vec::new();
        for (line, path) in module.paths() {
            let Some((used, item)) = self.resolve(user, &path, 8) else { continue };
            let shared = user.iter().zip(&used).take_while(|(one, other)| one == other).count();
            // What a module uses of itself and of its own folder is below it; to name one above it is nothing.
            if shared == user.len() || (shared == used.len() && item.is_none()) {
                continue;
            }
            let list = self.modules[&user[..shared]].file.clone();
            let place = format!("src/{}:{line}", module.file);
            let used = used
                .get(shared)
                .map_or_else(|| Used::Above(item.unwrap_or_default()), |name| Used::Beside(name.clone()));
            uses.push(Use { list, place, user: user[shared].clone(), used });
        }
        uses
    }

    /// What is wrong with a use.
    fn fault(&self, one: &Use) -> Option<String> {
        let Use { list, place, user, used } = one;
        let order = self.order(list);
        let floor = |name: &String| order.iter().position(|child| child == name);
        match used {
            Used::Above(item) => {
                Some(format!("{place}: looks round at `{item}`, which src/{list} defines above it"))
            }
            Used::Beside(other) => (floor(other) > floor(user))
                .then(|| format!("{place}: `{user}` looks up at `{other}`, listed behind it in src/{list}")),
        }
    }

    /// The order that a list of modules could have, as near to its own as can be; or why it cannot have one.
    fn remedy(&self, list: &str, uses: &[Use]) -> String {
        let mut order: Vec<String> = Vec::new();
        let mut left = self.order(list).clone();
        let needs = |user: &String, left: &[String]| {
            let beside = uses.iter().filter(|one| one.list == list && one.user == *user);
            let needed = |one: &Use| match &one.used {
                Used::Beside(name) if name != user && left.contains(name) => Some(name.clone()),
                _ => None,
            };
            beside.filter_map(needed).collect::<BTreeSet<String>>()
        };
        while let Some(at) = left.iter().position(|name| needs(name, &left).is_empty()) {
            order.push(left.remove(at));
        }
        // Above a circle are those whom nobody needs any more.
        while let Some(at) =
            left.iter().position(|name| !left.iter().any(|user| needs(user, &left).contains(name)))
        {
            left.remove(at);
        }
        if left.is_empty() {
            return format!("an order for src/{list}: {}", order.join(", "));
        }
        let circle = left.iter().map(|name| format!("{name} -> {:?}", needs(name, &left)));
        format!("a circle in src/{list}: {}", circle.collect::<Vec<String>>().join("; "))
    }

    fn order(&self, list: &str) -> &Vec<String> {
        &self
            .modules
            .values()
            .find(|module| module.file == list)
            .expect("a list that a use was found under")
            .children
    }

    /// The module that defines what a path names, and the name of it there; none: it is not in this crate.
    fn resolve(
        &self,
        user: &ModulePath,
        path: &[String],
        turns: usize,
    ) -> Option<(ModulePath, Option<String>)> {
        let first = path.first()?.as_str();
        let mut at = match first {
            "crate" => Vec::new(),
            "self" | "super" => user.clone(),
            _ => return None,
        };
        let mut rest = path;
        while let Some((word, behind)) = rest.split_first() {
            match word.as_str() {
                "super" => drop(at.pop()),
                "crate" | "self" => {}
                _ => break,
            }
            rest = behind;
        }
        loop {
            let module = self.modules.get(&at)?;
            let Some((word, behind)) = rest.split_first() else { return Some((at, None)) };
            if module.children.contains(word) {
                at.push(word.clone());
                rest = behind;
            } else if let Some(import) = module.imports.get(word).filter(|_| turns > 0) {
                let local = module.children.contains(&import[0]);
                let import =
                    if local { [vec!["self".into()], import.clone()].concat() } else { import.clone() };
                return self.resolve(&at, &[&import, behind].concat(), turns - 1);
            } else {
                return Some((at, Some(word.clone())));
            }
        }
    }
}

impl Module {
    fn read(file: String) -> Module {
        let tokens = without_tests(tokens(&read(&source().join(&file))));
        let word = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text.as_str());
        let children = (0..tokens.len())
            .filter(|at| word(*at) == "mod" && word(at + 2) == ";")
            .map(|at| word(at + 1).to_string())
            .collect();
        let mut imports = BTreeMap::new();
        // `use<'a>` belongs to a type.
        for at in (0..tokens.len()).filter(|at| word(*at) == "use" && word(at + 1) != "<") {
            for (_, path, name) in branches(&tokens, &mut (at + 1), &[]) {
                imports.insert(name, path);
            }
        }
        Module { file, tokens, children, imports }
    }

    /// Every path that it writes, in `use` or in its code, with the line.
    fn paths(&self) -> Vec<(usize, ModulePath)> {
        let word = |at: usize| self.tokens.get(at).map_or("", |token| token.text.as_str());
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if word(at) == "use" && word(at + 1) != "<" {
                at += 1;
                paths.extend(
                    branches(&self.tokens, &mut at, &[]).into_iter().map(|(line, path, _)| (line, path)),
                );
            } else if matches!(word(at), "crate" | "super" | "self")
                && word(at + 1) == "::"
                && (at == 0 || !matches!(word(at - 1), "::" | "$" | "in"))
            {
                let line = self.tokens[at].line;
                let mut path = vec![word(at).to_string()];
                while word(at + 1) == "::"
                    && word(at + 2).starts_with(|sign: char| sign.is_alphabetic() || sign == '_')
                {
                    path.push(word(at + 2).to_string());
                    at += 2;
                }
                paths.push((line, path));
            }
            at += 1;
        }
        paths
    }
}

/// The paths of a tree of `use` that begins at a token, each with its line and the name it gets here.
fn branches(tokens: &[Token], at: &mut usize, before: &[String]) -> Vec<(usize, ModulePath, String)> {
    let mut path = before.to_vec();
    let mut found = Vec::new();
    let mut line = 0;
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        match token.text.as_str() {
            "::" => {}
            "{" => {
                while tokens.get(*at).is_some_and(|token| token.text != "}") {
                    found.extend(branches(tokens, at, &path));
                    if tokens.get(*at).is_some_and(|token| token.text == ",") {
                        *at += 1;
                    }
                }
                *at += 1;
                return found;
            }
            "as" => {
                let name = tokens.get(*at).map_or(String::new(), |token| token.text.clone());
                *at += 1;
                return vec![(line, path, name)];
            }
            ";" | "," | "}" => {
                *at -= 1;
                break;
            }
            // `use a::b::{self}` is `b`.
            "self" if !path.is_empty() => line = token.line,
            "*" => line = token.line,
            word => {
                line = token.line;
                path.push(word.to_string());
            }
        }
    }
    let name = path.last().cloned().unwrap_or_default();
    found.push((line, path, name));
    found
}

/// What is left when each item behind `#[cfg(test)]` is taken away.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut left = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        left.push(token);
        let at_mark = left.len().checked_sub(mark.len()).map(|at| &left[at..]);
        if !at_mark.is_some_and(|last| last.iter().map(|token| token.text.as_str()).eq(mark)) {
            continue;
        }
        left.truncate(left.len() - mark.len());
        let in_a_list = left.last().is_some_and(|token| matches!(token.text.as_str(), "," | "[" | "("));
        let mut depth = 0_usize;
        for token in tokens.by_ref() {
            match token.text.as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            let ends = matches!(token.text.as_str(), ";" | "}") || (in_a_list && token.text == ",");
            if depth == 0 && ends {
                break;
            }
        }
    }
    left
}

/// The words and signs of a text, without comments and strings.
fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let alphabetic = |sign: char| sign.is_alphanumeric() || sign == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = rest.find('"').expect("it begins with a quote") + 1;
            begin + rest[begin..].find(&end).expect("a string ends") + end.len()
        } else if first == '"' {
            1 + quoted(&rest[1..], '"')
        } else if first == '\'' && (rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'')) {
            1 + quoted(&rest[1..], '\'')
        } else {
            let length = if alphabetic(first) {
                rest.find(|sign| !alphabetic(sign)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                found.push(Token { text: rest[..length].into(), line });
            }
            length
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// How many hashes a raw string has that begins here.
fn raw_string(text: &str) -> Option<usize> {
    let behind = text.strip_prefix('r').or_else(|| text.strip_prefix("br"))?;
    let hashes = behind.bytes().take_while(|byte| *byte == b'#').count();
    behind[hashes..].starts_with('"').then_some(hashes)
}

/// How long a text in quotes is behind its first one, the last one included.
fn quoted(text: &str, quote: char) -> usize {
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        if sign == '\\' {
            signs.next();
        } else if sign == quote {
            return at + 1;
        }
    }
    text.len()
}

#[test]
fn paths_are_found_wherever_they_are_written() {
    let text = "use crate::dns::Name;\nuse crate::{\n    zone::{self, Zone as Z},\n    health,\n};\n// crate::daemon\n\
                fn f(x: crate::probe::Kind) { g('\"', \"crate::no\", r#\"crate::\"no\"#); super::other::h() }\n\
                #[cfg(test)]\nmod tests { use crate::import; }\npub(in crate::zone) fn k() {}\nuse dns::Name as N;\n";
    let module = Module {
        file: String::new(),
        tokens: without_tests(tokens(text)),
        children: Vec::new(),
        imports: BTreeMap::new(),
    };
    let paths: Vec<(usize, String)> =
        module.paths().into_iter().map(|(line, path)| (line, path.join("::"))).collect();
    let expected = [
        (1, "crate::dns::Name"),
        (3, "crate::zone"),
        (3, "crate::zone::Zone"),
        (4, "crate::health"),
        (7, "crate::probe::Kind"),
        (7, "super::other::h"),
        (11, "dns::Name"),
    ];
    assert_eq!(paths, expected.map(|(line, path)| (line, path.to_string())));
}

/// Fails for every file in which `fault` finds a line.
fn fault_free(fault: impl Fn(&str, &str) -> Option<usize>, what: &str) {
    let faults: Vec<String> = files()
        .iter()
        .filter_map(|(file, text)| Some(format!("src/{file}:{}: {what}", fault(file, text)?)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.find("//").map_or(line, |comment| &line[..comment])
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_alphanumeric() || character == '_'))
}

/// Every Rust file below `src`: its path there and its text.
fn files() -> Vec<(String, String)> {
    let mut folders = vec![source()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the source") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let file = path.strip_prefix(source()).expect("a path below src");
                found.push((file.to_string_lossy().into_owned(), read(&path)));
            }
        }
    }
    found.sort();
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
