//! How the command line behaves towards people, terminals, pipes and disks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tinsmith_tests::{binary, root};

const MODEL: &str = "assets/samples/keyword/keyword_float32.tflite";
const DATA: &str = "assets/samples/keyword/keyword.npz";
const PROJECT: &str = "projects/keyword.ron";
const CLIP: &str = "assets/samples/keyword/clips/yes.wav";
/// Every command; `device list` for the ones that are nested.
const COMMANDS: [&str; 18] = [
    "inspect",
    "run",
    "quantize",
    "steps",
    "evaluate",
    "features",
    "export",
    // The first makes what the others are shown with.
    "data import",
    "data info",
    "data split",
    "data subset",
    "data coverage",
    "data export",
    "data",
    "device",
    "device list",
    "completions",
    "man",
];

/// The program, free of what the environment of the test says about colours and logs.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(root());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}

fn tinsmith(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn help(command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
    let output = tinsmith(&words);
    assert!(output.status.success(), "{command}: {}", stderr(&output));
    stdout(&output)
}

/// The commands that a help text shows as examples.
fn examples(help: &str) -> Vec<String> {
    let after = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    after.take_while(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect()
}

/// A folder with the sample in it, laid out as in the repository.
fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    // The marker lets the project name files beside its folder.
    fs::create_dir(folder.path().join(".tinsmith")).unwrap();
    for file in [MODEL, DATA, PROJECT, CLIP] {
        let copy = folder.path().join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(root().join(file), copy).unwrap();
    }
    folder
}

/// Whether a program that a test needs is there; says so loudly if not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("SKIP: no {program} here");
    }
    found
}

#[test]
#[cfg(unix)]
fn every_example_in_the_help_works() {
    let folder = sample();
    for place in [".local/share/bash-completion/completions", ".zfunc", ".config/fish/completions"] {
        fs::create_dir_all(folder.path().join(place)).unwrap();
    }
    let programs = binary().parent().unwrap().to_str().unwrap();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
    for command in std::iter::once("").chain(COMMANDS) {
        let examples = examples(&help(command));
        assert!((2..=4).contains(&examples.len()), "{command}: {examples:?}");
        for example in examples {
            let mut shell = Command::new("sh");
            let output =
                shell.args(["-c", &example]).current_dir(&folder).env("PATH", &path).env("HOME", folder.path()).output().unwrap();
            assert!(output.status.success(), "{example}: {}", stderr(&output));
        }
    }
    assert!(fs::metadata(folder.path().join(".local/share/man/man1/tinsmith-device-list.1")).is_ok());
}

#[test]
fn the_help_says_what_every_command_and_exit_code_means() {
    let whole = help("");
    for command in COMMANDS.iter().filter(|command| !command.contains(' ')) {
        assert!(whole.lines().any(|line| line.trim().starts_with(&format!("{command} "))), "{command} in\n{whole}");
        let help = help(command);
        let purpose = help.lines().next().unwrap_or_default();
        assert!(purpose.len() > 15 && help.contains("Usage: tinsmith"), "{command}: {purpose}");
    }
    for word in ["Exit codes:", "  0  ", "  1  ", "  2  ", "  130  ", "NO_COLOR", "RUST_LOG", "--quiet", "--verbose", "--color"] {
        assert!(whole.contains(word), "no {word} in\n{whole}");
    }
}

#[test]
fn completions_know_commands_and_bash_reads_them() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = tinsmith(&["completions", shell]);
        assert!(output.status.success() && stdout(&output).contains("quantize"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("tinsmith.bash");
    fs::write(&script, tinsmith(&["completions", "bash"]).stdout).unwrap();
    if has("bash") {
        let checked = Command::new("bash").arg("-n").arg(&script).output().unwrap();
        assert!(checked.status.success() && checked.stderr.is_empty(), "{}", stderr(&checked));
        let ask = format!(
            "source {}; COMP_WORDS=(tinsmith qu); COMP_CWORD=1; _tinsmith tinsmith qu tinsmith; echo ${{COMPREPLY[@]}}",
            script.display()
        );
        let asked = Command::new("bash").args(["-c", &ask]).output().unwrap();
        assert_eq!(stdout(&asked).trim(), "quantize", "{}", stderr(&asked));
    }
}

#[test]
fn manual_pages_render_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert!(tinsmith(&["man", "--out", pages.to_str().unwrap()]).status.success());
    let one = stdout(&tinsmith(&["man"]));
    assert_eq!(one, fs::read_to_string(pages.join("tinsmith.1")).unwrap());
    for section in ["SYNOPSIS", "OPTIONS", "EXAMPLES", "EXIT CODES", "ENVIRONMENT"] {
        assert!(one.contains(&format!(".SH {section}")), "{section}");
    }
    for command in COMMANDS {
        let page = pages.join(format!("tinsmith-{}.1", command.replace(' ', "-")));
        assert!(page.exists(), "{}", page.display());
    }
    if has("groff") {
        for page in fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().path()) {
            let output = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z", "-K", "utf8"]).arg(&page).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{}: {}", page.display(), stderr(&output));
        }
    }
}

#[test]
fn quiet_and_verbose_do_what_they_say() {
    let folder = sample();
    let run = |options: &[&str]| {
        let arguments = [&["run", PROJECT][..], options].concat();
        let output = command(&arguments).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{options:?}: {}", stderr(&output));
        output
    };
    let plain = run(&[]);
    assert_eq!(stderr(&plain), "");
    let verbose = run(&["-v"]);
    assert_eq!(plain.stdout, verbose.stdout, "what is said on the way is not what is asked for");
    for words in ["opened projects/keyword.ron: ", "evaluated", " ms info "] {
        assert!(stderr(&verbose).contains(words), "no {words} in {}", stderr(&verbose));
    }
    assert!(!stderr(&verbose).contains(" debug "));
    assert!(stderr(&run(&["-vv"])).contains(" debug "));

    let logged = command(&["run", PROJECT]).env("RUST_LOG", "tinsmith=info").output().unwrap();
    assert!(stderr(&logged).contains(" info applied the recipe"), "{}", stderr(&logged));
    let decided = command(&["run", PROJECT, "-vv"]).env("RUST_LOG", "off").output().unwrap();
    assert_eq!(stderr(&decided), "");

    let wrong = tinsmith(&["-q", "inspect", "no/model.tflite"]);
    assert!(stderr(&wrong).starts_with("error: no/model.tflite"), "{}", stderr(&wrong));
}

#[test]
fn notes_are_told_unless_quiet() {
    let folder = sample();
    let data = folder.path().join("data.npz");
    // A set with training samples only: calibrating on them is worth a note.
    let Some(python) = python_with("zipfile") else { return };
    const MAKE: &str = r"
import sys, zipfile
old, new = zipfile.ZipFile(sys.argv[1]), zipfile.ZipFile(sys.argv[2], 'w')
train = 'train'.ljust(11, '\0').encode('utf-32-le')
for name in old.namelist():
    data = old.read(name)
    new.writestr(name, data[:128] + train * 1000 if name == 'split.npy' else data)
new.close()
";
    let made = Command::new(python).args(["-c", MAKE]).arg(root().join(DATA)).arg(&data).status().unwrap();
    assert!(made.success());
    let out = folder.path().join("o.tflite");
    let quantize = ["quantize", MODEL, "--calibrate", data.to_str().unwrap(), "-o", out.to_str().unwrap()];
    let told = tinsmith(&quantize);
    assert!(stderr(&told).starts_with("note: "), "{}", stderr(&told));
    let silent = tinsmith(&[&quantize[..], &["--quiet"]].concat());
    assert!(silent.status.success() && silent.stderr.is_empty(), "{}", stderr(&silent));
}

#[test]
fn colours_are_there_on_demand_only() {
    let escape = "\u{1b}[";
    let wrong = ["inspect", "no/such/model.tflite"];
    assert!(stderr(&tinsmith(&wrong)).starts_with("error: "));
    let always = tinsmith(&[&wrong[..], &["--color", "always"]].concat());
    assert!(stderr(&always).starts_with(escape), "{}", stderr(&always));
    let forced = command(&wrong).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(stderr(&forced).starts_with(escape));
    let never = command(&[&["--color=never"], &wrong[..]].concat()).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(!stderr(&never).contains(escape));
    // What clap says follows as well, be it wrong usage or help.
    assert!(stderr(&tinsmith(&["inspect", "--color", "always"])).contains(escape));
    assert!(!stderr(&tinsmith(&["inspect"])).contains(escape));
    assert!(stdout(&tinsmith(&["--color", "always", "--help"])).contains(escape));
    // JSON is for programs.
    assert!(!stdout(&tinsmith(&["inspect", MODEL, "--json", "--color", "always"])).contains(escape));
}

/// Runs a shell line on a terminal of its own and returns what that shows, or nothing where there is no Python to make one.
#[cfg(unix)]
fn on_a_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> Option<String> {
    let python = python_with("pty")?;
    let script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let mut shell = Command::new(python);
    shell.args(["-c", script]).arg(binary()).args(arguments).current_dir(root()).stdin(Stdio::null());
    shell.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("RUST_LOG").env("TERM", "xterm");
    let output = shell.envs(variables.iter().copied()).output().expect("Python starts");
    Some(stdout(&output))
}

fn python_with(module: &str) -> Option<PathBuf> {
    let status = Command::new("python3").args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
    let found = status.is_ok_and(|status| status.success());
    if !found {
        eprintln!("SKIP: no Python with {module} here");
    }
    found.then(|| PathBuf::from("python3"))
}

#[test]
#[cfg(unix)]
fn a_terminal_sees_progress_and_colours() {
    const CLEAR: &str = "\r\u{1b}[K";
    let evaluate = ["evaluate", MODEL, "--data", DATA];
    let Some(shown) = on_a_terminal(&evaluate, &[]) else { return };
    assert!(shown.contains(&format!("{CLEAR}evaluating 0 / ")), "{shown:?}");
    let (_, report) = shown.rsplit_once(CLEAR).expect("the line is cleared in the end");
    assert!(report.contains("accuracy") && !report.contains("evaluating"), "{shown:?}");

    let silent = |arguments: &[&str], variables: &[(&str, &str)]| {
        let shown = on_a_terminal(&[&evaluate[..], arguments].concat(), variables).unwrap_or_default();
        assert!(shown.contains("accuracy") && !shown.contains('\u{1b}'), "{shown:?}");
    };
    silent(&["--quiet"], &[]);
    silent(&[], &[("TERM", "dumb")]);

    let wrong = ["inspect", "no/such/model.tflite"];
    let coloured = on_a_terminal(&wrong, &[]).unwrap_or_default();
    assert!(coloured.contains("\u{1b}[31m") || coloured.contains("\u{1b}[1m\u{1b}[31m"), "{coloured:?}");
    let plain = on_a_terminal(&wrong, &[("NO_COLOR", "1")]).unwrap_or_default();
    assert!(plain.starts_with("error: "), "{plain:?}");
}

#[test]
#[cfg(unix)]
fn a_pipe_that_closes_early_is_no_error() {
    // The status of the program itself, which sh has no word for, goes to standard error.
    for arguments in ["inspect MODEL", "inspect MODEL --json", "steps", "--help", "completions bash", "man"] {
        let line = format!("(\"$0\" {arguments}; echo $? >&2) | true").replace("MODEL", MODEL);
        let output = Command::new("sh").args(["-c", &line]).arg(binary()).current_dir(root()).output().unwrap();
        assert_eq!(stderr(&output), "0\n", "{arguments}");
        let line = line.replace("| true", "| head -1");
        let output = Command::new("sh").args(["-c", &line]).arg(binary()).current_dir(root()).output().unwrap();
        assert_eq!((stderr(&output).as_str(), stdout(&output).lines().count()), ("0\n", 1), "{arguments}");
    }
    // The same for files that are such a pipe. The reader is gone before anything is written: a second is enough for that.
    let (quantize, evaluate) = ("quantize MODEL --calibrate DATA -o", "evaluate MODEL --data DATA --dump-outputs");
    for arguments in [quantize, evaluate] {
        let line = format!("(sleep 1; \"$0\" {arguments} /dev/stdout; echo $? >&2) | true")
            .replace("MODEL", MODEL)
            .replace("DATA", DATA);
        let output = Command::new("sh").args(["-c", &line]).arg(binary()).current_dir(root()).output().unwrap();
        assert_eq!(stderr(&output), "0\n", "{arguments}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_to_a_file_that_is_not_there_yet_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let [target, link] = ["target.tflite", "link.tflite"].map(|name| folder.path().join(name));
    std::os::unix::fs::symlink("target.tflite", &link).unwrap();
    assert!(tinsmith(&["quantize", MODEL, "--calibrate", DATA, "-o", link.to_str().unwrap()]).status.success());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::symlink_metadata(&target).unwrap().len() > 1000);
}

#[test]
fn a_recipe_that_gives_nothing_to_export_is_an_error() {
    let folder = sample();
    let project = folder.path().join(PROJECT);
    // Nothing to calibrate with, and no ranges kept from before.
    let text = fs::read_to_string(&project).unwrap();
    let (before, after) = (text.split_once("    data: (").unwrap().0, text.split_once("    device: ").unwrap().1);
    let after = after.split_once("    calibration: (").unwrap().0;
    fs::write(&project, format!("{before}    device: {after})\n")).unwrap();
    let firmware = folder.path().join("firmware");
    for options in [&[][..], &["--json"]] {
        let arguments = [&["run", PROJECT, "--export", firmware.to_str().unwrap()][..], options].concat();
        let output = command(&arguments).current_dir(&folder).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        assert!(stderr(&output).starts_with(&format!("error: {PROJECT}: ")), "{}", stderr(&output));
        assert!(stderr(&output).contains("needs calibration: choose a data set"), "{}", stderr(&output));
        assert!(output.stdout.is_empty() && !firmware.exists());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has /dev/full"));
    for arguments in [&["inspect", MODEL][..], &["inspect", MODEL, "--json"], &["--help"], &["completions", "zsh"], &["man"]] {
        let output = command(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).starts_with("error: the output cannot be written: No space left"), "{}", stderr(&output));
    }
    // Through a link in a folder of the test, so that a defect replaces the link and not the device.
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("full");
    std::os::unix::fs::symlink("/dev/full", &link).unwrap();
    let full = link.to_str().unwrap();
    for arguments in
        [&["quantize", MODEL, "--calibrate", DATA, "-o", full][..], &["evaluate", MODEL, "--data", DATA, "--dump-outputs", full]]
    {
        let output = tinsmith(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).starts_with(&format!("error: {full}: No space left")), "{}", stderr(&output));
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
#[cfg(unix)]
fn a_link_to_an_output_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let [target, link] = ["target.tflite", "link.tflite"].map(|name| folder.path().join(name));
    fs::write(&target, b"old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(tinsmith(&["quantize", MODEL, "--calibrate", DATA, "-o", link.to_str().unwrap()]).status.success());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::metadata(&target).unwrap().len() > 1000);
}

#[test]
fn wrong_words_come_with_the_right_ones() {
    let says = |arguments: &[&str], code: i32, words: &[&str]| {
        let output = tinsmith(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        for word in words {
            assert!(stderr(&output).contains(word), "{arguments:?}: no {word} in {}", stderr(&output));
        }
    };
    says(&["inspct", MODEL], 2, &["inspct", "'inspect'"]);
    says(&["quantise"], 2, &["'quantize'"]);
    says(&["inspect", MODEL, "--jsno"], 2, &["'--json'"]);
    says(&["device", "lst"], 2, &["'list'"]);
    says(&["completions", "bsh"], 2, &["'bash'"]);
    says(&["evaluate", MODEL], 2, &["Usage:", "--data", "Example:\n  tinsmith evaluate assets/"]);
    says(&["export", MODEL], 2, &["Example:\n  tinsmith export "]);
    says(&[MODEL, "steps"], 2, &["exclude each other"]);
    // Paths: which one, and what to do.
    says(&["inspect", "assets/samples/keyword/keyword_float.tflite"], 1, &["did you mean", MODEL]);
    says(&["run", "project/keyword.ron"], 1, &["project/keyword.ron", "no folder project"]);
    says(&["evaluate", MODEL, "--data", "absent.npz"], 1, &["absent.npz", "check the name"]);
    says(&["export", "absent.ron", "--target", "c", "--out", "x"], 1, &["absent.ron"]);
    says(&["no/such/model.tflite"], 1, &["no/such/model.tflite", "no folder no"]);
}

#[test]
fn names_in_a_file_cannot_command_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(root().join(MODEL)).unwrap();
    let name = b"pointwise_1";
    let hostile = folder.path().join("hostile.tflite");
    let mut changed = bytes.clone();
    for at in (0..bytes.len() - name.len()).filter(|&at| bytes[at..].starts_with(name)) {
        changed[at..at + 4].copy_from_slice(b"\x1b[2J");
    }
    fs::write(&hostile, changed).unwrap();
    let output = tinsmith(&["inspect", hostile.to_str().unwrap(), "--color", "always"]);
    assert!(output.status.success() && !stdout(&output).contains("\u{1b}[2J"), "{}", stdout(&output));
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_ends_at_once_and_leaves_nothing_half_written() {
    // A run that was done before it could be interrupted shows nothing, so there are several tries.
    const TRIES: usize = 8;
    assert!((0..TRIES).any(|_| is_interrupted()), "no run could be interrupted before it was done");
}

/// Interrupts a run as soon as it writes, and looks at what it leaves. Whether it was still at work.
#[cfg(unix)]
fn is_interrupted() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let tensors = folder.path().join("tensors");
    // Slow enough to be caught at it: all samples, one thread, every tensor written.
    let arguments = ["evaluate", MODEL, "--data", DATA, "--threads", "1", "--dump-tensors", tensors.to_str().unwrap()];
    let mut child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let has_begun = || fs::read_dir(&tensors).is_ok_and(|mut entries| entries.next().is_some());
    let start = Instant::now();
    while !has_begun() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let status = child.wait().unwrap();
    let left: Vec<PathBuf> = fs::read_dir(&tensors).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path: &PathBuf| !is_draft(path)), "{left:?}");
    if status.success() {
        return false;
    }
    assert_eq!(status.code(), Some(130));
    assert!(left.is_empty(), "{left:?}");
    true
}

fn is_draft(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}
