//! Numbers as people read them.

/// A number of bytes.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number in as few characters as tell its size: `0`, `0.25`, `1384`, `6.4e-7`.
pub fn short(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "NaN".into(),
        _ if value.is_infinite() => if value > 0.0 { "∞" } else { "−∞" }.into(),
        0.0 => "0".into(),
        size if (1e-3..1e4).contains(&size) => {
            let decimals = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        _ => format!("{value:.1e}"),
    }
}

/// So many of something: `1 image`, `2,000 images`.
pub fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(61_100_840), "61,100,840");
        assert_eq!(grouped(999), "999");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([1, 2000].map(|count| counted(count, "image")), ["1 image", "2,000 images"]);
    }

    #[test]
    fn short_numbers_keep_three_digits() {
        let cases = [
            (0.0, "0"),
            (0.25, "0.25"),
            (-1.5, "-1.5"),
            (138.64, "139"),
            (9999.4, "9999"),
            (1234567.0, "1.2e6"),
            (6.4321e-7, "6.4e-7"),
            (0.001234, "0.00123"),
            (f64::INFINITY, "∞"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }
}
