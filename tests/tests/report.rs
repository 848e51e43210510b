//! The page of `alexnet-verify --report`, opened in a real browser.

use alexnet_spec::{Labels, networks};
use alexnet_tests::browser::{Visit, browser, visit};
use alexnet_tests::fixture;
use alexnet_tests::run::{Run, files};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// What the probe finds at one width.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    width: u32,
    scroll_width: u32,
    /// Elements outside of scrolling boxes that reach beyond the right side.
    beyond: String,
    images: usize,
    broken: usize,
    nameless: usize,
    drawings: usize,
    unscoped: usize,
    headings: usize,
    unreachable: usize,
    dead_links: usize,
    /// Elements whose text has a contrast below 4.5, which WCAG's level AA asks for.
    faint: String,
    scripts: usize,
    handlers: usize,
    injected: bool,
}

/// The page of a mutant, written as a user does.
fn page(folder: &Path, mutant: &str, options: &[&str], code: i32) -> PathBuf {
    let path = folder.join("report.html");
    let mut command = Command::new(VERIFY);
    command.arg(fixture("pytorch/jiecaoyu.pth.tar")).arg(fixture(&format!("mutants/{mutant}.onnx")));
    Run::command(command.args(["--runtime", "candle-onnx", "--report"]).arg(&path).args(options)).expect(code);
    path
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The page in frames of a phone's, a tablet's and a desk's width.
fn probe(browser: &Path, page: &str, options: &[&str]) -> (Vec<Found>, Visit) {
    let folder = tempfile::tempdir().unwrap();
    let wrapper = folder.path().join("probe.html");
    let json = serde_json::to_string(page).unwrap().replace('<', "\\u003c");
    let source = include_str!("report/probe.html").replacen("const page = PAGE;", &format!("const page = {json};"), 1);
    std::fs::write(&wrapper, source).unwrap();
    let options = options.iter().copied().chain(["--dump-dom"]);
    let visit = visit(browser, &wrapper, &options.map(Into::into).collect::<Vec<_>>());
    let result = visit.document.split_once("<pre id=\"result\">RESULT").and_then(|(_, rest)| rest.split_once("END"));
    let result = result.unwrap_or_else(|| panic!("no result in:\n{}", visit.document)).0;
    (serde_json::from_str(result).unwrap_or_else(|error| panic!("{error}: {result}")), visit)
}

/// Everything that a reader may expect of the page, whatever is in it.
#[track_caller]
fn is_sound(found: &[Found], visit: &Visit) {
    assert_eq!(found.iter().map(|f| f.width).collect::<Vec<_>>(), [390, 768, 1280]);
    for f in found {
        assert!(f.scroll_width <= f.width && f.beyond.is_empty(), "the page is wider than its window: {f:#?}");
        assert!(f.images > 0 && f.broken == 0 && f.drawings > 2, "pictures: {f:#?}");
        let unreadable = [f.nameless, f.unscoped, f.unreachable, f.dead_links];
        assert_eq!((unreadable, f.headings), ([0; 4], 1), "what a screen reader needs: {f:#?}");
        assert_eq!(f.faint, "", "contrast: {f:#?}");
        assert_eq!((f.scripts, f.handlers, f.injected), (0, 0, false), "scripts: {f:#?}");
    }
    assert_eq!(visit.console, Vec::<String>::new());
    assert_eq!(visit.requests, Vec::<String>::new());
}

#[test]
fn a_browser_shows_the_page_at_every_width_in_light_and_dark() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (mutant, code) in [("right", 0), ("alpha-not-divided", 1), ("reversed-channels", 1)] {
        let page = text(&page(folder.path(), mutant, &[], code));
        assert!(page.len() < 2_000_000, "{mutant}: {} bytes", page.len());
        for options in [&[][..], &["--blink-settings=preferredColorScheme=0"]] {
            let (found, visit) = probe(&browser, &page, options);
            is_sound(&found, &visit);
        }
    }
}

/// That nothing is found would prove nothing if nothing could be.
#[test]
fn the_probe_sees_what_a_page_should_not_do() {
    let Some(browser) = browser() else { return };
    let bad = "<!doctype html><h1 style='width:3000px;color:#ccc'>wide</h1><img src='http://elsewhere.invalid/x.png'>\
               <a href='#nowhere'>a</a><table><th>x</table><b onclick='1'>b</b>\
               <script>window.injected = true; console.error('seen')</script>";
    let (found, visit) = probe(&browser, bad, &[]);
    let f = &found[0];
    assert!(f.scroll_width > f.width && f.beyond.contains("H1") && f.faint.contains("H1"), "{f:#?}");
    assert_eq!((f.images, f.broken, f.nameless, f.unscoped, f.dead_links), (1, 1, 1, 1, 1), "{f:#?}");
    assert_eq!((f.scripts, f.handlers, f.injected), (1, 1, true), "{f:#?}");
    assert!(visit.console.iter().any(|line| line.contains("seen")), "{:?}", visit.console);
    assert!(visit.requests.iter().any(|line| line.contains("elsewhere.invalid")), "{:?}", visit.requests);
}

#[test]
fn what_comes_from_files_stays_text() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let hostile = "<script>parent.injected=injected=true</script><img src=x onerror=parent.injected=true>";
    // The names of the classes are the network's, which a checkpoint or a user brings.
    let mut network = networks::get("bvlc").unwrap().with_classes(10).unwrap();
    network.labels = Labels::Names((0..10).map(|index| format!("{index} {hostile}")).collect());
    network.description = hostile.into();
    let described = folder.path().join("network.json");
    std::fs::write(&described, network.to_json()).unwrap();
    // The names of the inputs are files'.
    let inputs = folder.path().join("inputs <b onclick=parent.injected=true>");
    std::fs::create_dir(&inputs).unwrap();
    let photos = files(&fixture("photos")).into_iter().filter(|name| name.ends_with(".jpg"));
    let names = ["<img src=x onerror=parent.injected=true>\"'&amp;.jpg", "plain.jpg"];
    for (photo, name) in photos.zip(names) {
        std::fs::copy(fixture("photos").join(&photo), inputs.join(name)).unwrap();
    }

    let inputs = inputs.to_str().unwrap();
    let options = ["--network", described.to_str().unwrap(), "--fixtures", inputs, "--images", inputs];
    let page = text(&page(folder.path(), "k-of-2", &options, 1));
    for (what, escaped) in [
        ("labels", "&lt;script&gt;parent.injected=injected=true&lt;/script&gt;"),
        ("inputs", "&lt;img src=x onerror=parent.injected=true&gt;"),
        ("paths", "inputs &lt;b onclick=parent.injected=true&gt;"),
    ] {
        assert!(page.contains(escaped), "{what} aren't shown");
    }
    // The page forbids scripts: without that too there must be none.
    let open = page.replacen("Content-Security-Policy", "X-Nothing", 1);
    assert_ne!(page, open);
    for page in [page, open] {
        let (found, visit) = probe(&browser, &page, &[]);
        is_sound(&found, &visit);
    }
}

#[test]
fn images_that_differ_are_shown_small_and_those_that_cannot_be_read_are_counted() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let photos = fixture("photos");
    let wrong = text(&page(folder.path(), "reversed-channels", &["--images", photos.to_str().unwrap()], 1));
    assert!(wrong.contains("alt=\"Thumbnail of coffee.jpg\"") && wrong.contains("Another class comes first"));
    let (found, visit) = probe(&browser, &wrong, &[]);
    is_sound(&found, &visit);

    let broken = folder.path().join("images");
    std::fs::create_dir(&broken).unwrap();
    std::fs::copy(photos.join("coffee.jpg"), broken.join("coffee.jpg")).unwrap();
    std::fs::copy(photos.join("cat.png"), broken.join("cat.png")).unwrap();
    std::fs::write(broken.join("no-image.jpg"), "no image").unwrap();
    let incomplete = text(&page(folder.path(), "right", &["--images", broken.to_str().unwrap()], 2));
    for words in ["Incomplete", "Not compared: 1 image<", "no-image.jpg", "2 / 3"] {
        assert!(incomplete.contains(words), "no `{words}`");
    }
}

#[test]
fn the_page_prints() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), "alpha-not-divided", &[], 1);
    let pdf = folder.path().join("report.pdf");
    let to = format!("--print-to-pdf={}", pdf.display());
    visit(&browser, &page, &[to.into(), "--no-pdf-header-footer".into()]);
    let bytes = std::fs::read(&pdf).unwrap();
    let pages = bytes.windows(12).filter(|window| *window == b"/Type /Page\n").count();
    assert!(bytes.starts_with(b"%PDF") && (2..=16).contains(&pages), "{pages} pages");
}

#[test]
fn the_screen_shows_the_verdicts_colour() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (mutant, code, reddest) in [("right", 0, false), ("k-of-2", 1, true)] {
        let page = page(folder.path(), mutant, &[], code);
        let png = folder.path().join("screen.png");
        visit(&browser, &page, &[format!("--screenshot={}", png.display()).into(), "--window-size=1280,900".into()]);
        let screen = image::open(&png).unwrap().into_rgb8();
        assert_eq!(screen.dimensions(), (1280, 900));
        let colours: std::collections::HashSet<_> = screen.pixels().collect();
        assert!(colours.len() > 100, "{mutant}: {} colours", colours.len());
        // The verdict's own band, whose left side is empty.
        let [red, green, _] = screen.get_pixel(4, 100).0;
        assert_eq!(red > green, reddest, "{mutant}");
    }
}

#[test]
fn what_fewer_bits_cost_is_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let (half, path) = (folder.path().join("half.onnx"), folder.path().join("report.html"));
    let checkpoint = fixture("pytorch/zip.pth");
    let mut convert = Command::new(CONVERT);
    convert.arg(&checkpoint).arg(&half).args(["--dtype", "f16", "--no-verify"]);
    Run::command(&mut convert).expect(0);
    let mut verify = Command::new(VERIFY);
    verify.arg(&checkpoint).arg(&half).args(["--runtime", "candle-onnx", "--report"]).arg(&path);
    Run::command(&mut verify).expect(0);
    let page = text(&path);
    for words in ["What fewer bits cost", "<strong>f16</strong>", " dB</td>"] {
        assert!(page.contains(words), "no `{words}`");
    }
}

#[test]
fn a_report_takes_the_place_of_an_older_one_but_not_of_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("right.onnx");
    std::fs::copy(fixture("mutants/right.onnx"), &model).unwrap();
    let mut command = Command::new(VERIFY);
    command.arg(fixture("pytorch/jiecaoyu.pth.tar")).arg(&model).arg("--report").arg(&model);
    Run::command(&mut command).expect(2).says("is no report");
    assert_eq!(std::fs::read(&model).unwrap(), std::fs::read(fixture("mutants/right.onnx")).unwrap());
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let pages: Vec<String> = (0..2).map(|_| text(&page(folder.path(), "one-weight", &[], 1))).collect();
    assert!(pages[0] == pages[1], "two runs wrote different pages");
    assert_eq!(files(folder.path()), ["report.html"]);
}

#[test]
fn the_page_says_what_the_terminal_says() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = text(&page(folder.path(), "alpha-not-divided", &[], 1));
    for words in ["Disagreed", "<strong>norm1</strong> parts first", "◀ parts first", "Layer by layer", "Logits"] {
        assert!(wrong.contains(words), "no `{words}`");
    }
    let right = text(&page(folder.path(), "right", &[], 0));
    assert!(right.contains("Agreed") && !right.contains("Disagreed") && !right.contains("parts first"));
}
