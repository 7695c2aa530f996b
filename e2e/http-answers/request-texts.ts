/** One text a line, each between bars, so that spaces at its ends are seen. */
function lines(block: string): string[] {
  return [...block.matchAll(/\|(.*)\|/g)].map(([, text]) => text);
}

export const GOOD_QUERIES = lines(String.raw`
  |1|
  |-1|
  |1e21|
  |1e20|
  |123456789|
  |1e-6|
  |1e-7|
  |0.1|
  |1/3|
  |NaN|
  |Inf|
  |-Inf|
  |-0|
  |1e300*1e300|
  |0x1f|
  |"text"|
  |"qu\"ote\\ \u00e9 \t <>&"|
  |'single'|
  |time()|
  |vector(1)|
  |vector(time())|
  |gauge|
  |gauge{kind="a"}|
  |gauge{kind=~"a.*"}|
  |gauge{kind!="a"}|
  |{__name__="gauge"}|
  |nothing|
  |odd|
  |text|
  |gauge[1m]|
  |odd[2m]|
  |nothing[5m]|
  |gauge[1m] offset 30s|
  |gauge offset 1m|
  |gauge @ start()|
  |sum(gauge)|
  |sum by (kind) (gauge)|
  |avg without (kind) (gauge)|
  |count_values("v", gauge)|
  |topk(2, gauge)|
  |quantile(0.5, gauge)|
  |sort(gauge)|
  |sort_desc(gauge)|
  |gauge > 2|
  |gauge > bool 2|
  |gauge + gauge|
  |gauge * 1e20|
  |rate(steps_total[2m])|
  |increase(steps_total[1m])|
  |irate(steps_total[1m])|
  |sum(rate(steps_total[2m])) by (kind)|
  |histogram_quantile(0.9, took_bucket)|
  |absent(nothing)|
  |absent(gauge)|
  |absent_over_time(nothing{a="b"}[1m])|
  |label_replace(gauge, "x", "$1", "kind", "(.*)")|
  |label_join(gauge, "x", "-", "kind")|
  |timestamp(gauge)|
  |gauge / 0|
  |gauge % 0|
  |gauge ^ 0.5|
  |-gauge|
  |scalar(gauge{kind="a"})|
  |scalar(gauge)|
  |hour()|
  |year(vector(0))|
  |max_over_time(gauge[55s:10s])|
  |native|
  |native[30s]|
  |sum(native)|
  |native and native|
  |histogram_count(native)|
  |histogram_sum(native)|
  |count(native)|
  |gauge or nothing|
  |gauge unless gauge|
  |gauge and gauge{kind="a"}|
`);

export const BAD_QUERIES = lines(`
  ||
  | |
  |(|
  |gauge{|
  |gauge[|
  |gauge[5m|
  |gauge{kind="a"|
  |gauge{kind=a}|
  |gauge{kind=~"("}|
  |{}|
  |{kind=""}|
  |sum(|
  |sum()|
  |rate(gauge)|
  |rate(gauge[5m], 1)|
  |nofunction(gauge)|
  |gauge +|
  |+|
  |gauge offset|
  |gauge[5m] + 1|
  |1 == 2|
  |gauge and 1|
  |"a" + 1|
  |sum("a")|
  |gauge{__name__="x"}|
  |gauge[0s]|
  |label_replace(gauge)|
  |1 > "a"|
  |sum by (gauge|
  |topk(gauge)|
  |gauge @ x|
  |gauge[5m:|
  |"unterminated|
  |gauge{kind="a",,}|
  |bool gauge|
  |(gauge))|
`);

/** Queries that read well and cannot be answered. */
export const FAILING_QUERIES = lines(`
  |gauge + on () gauge|
  |gauge * on (kind) group_left () twin|
  |label_replace(gauge, "kind", "same", "kind", ".*")|
  |label_replace(gauge, "x", "y", "kind", "(")|
  |quantile_over_time(scalar(nothing), gauge[1m])|
  |topk(scalar(nothing), gauge)|
`);

export const BAD_TIMES = lines(`
  |x|
  |1.2.3|
  |2020-01-01|
  |2020-13-01T00:00:00Z|
  |1e|
  |-|
  | |
  |12 34|
  |5m|
  |2021-02-30T00:00:00Z|
`);

/** Durations, most of which are none. */
export const DURATIONS = lines(`
  |x|
  |1|
  |5|
  |m|
  |5mm|
  |1.5m|
  |-1s|
  |5m3|
  |1h1d|
  ||
  | |
  |1e99|
`);

export const BAD_MATCHERS = lines(`
  |{|
  |{}|
  |gauge{|
  |{kind=""}|
  |gauge[5m]|
  |1|
  |sum(gauge)|
  |{kind=~".*"}|
  |"gauge"|
  |gauge offset 5m|
  ||
`);

/** For format_query; each fits into one line. */
export const FORMATTED_QUERIES = lines(`
  |sum(rate(a[5m]))by(x)|
  |a+b*c^d|
  |a{b="c",d!~"e.*"}[5m]offset 1h|
  |-(a)|
  |topk(3,a)without(b)|
  |a / on(x) group_left(y) b|
  |a >bool 1|
  |max_over_time(a[1h:5m]@start())|
  |"it's" |
  |histogram_quantile(0.9,a)|
  |(|
  ||
  |sum(a|
`);
