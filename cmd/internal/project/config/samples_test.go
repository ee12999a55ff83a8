package config

import "strings"

// samples are values as a file may spell them. Each is tried for each key.
var samples = []string{
	`shop`, `Web Shop`, `a/b`, `""`, `" "`, `"\t"`, `"a\tb"`, `"a\nb"`, `"\u00a0"`, `"\u3000"`, `"\u200b"`, `"a\u001bb"`, `"\u007f"`, `"\u0085"`, `"\u009f"`, `"\u2028"`, `"a\u2029b"`, `한글`, `"😀"`, `"a\rb"`,
	``, `~`, `null`, `Null`, `NULL`, `nUll`, `"null"`, `true`, `True`, `TRUE`, `tRue`, `"true"`, `false`, `False`, `yes`, `no`, `on`, `off`, `"off"`, `Off`, `y`, `n`, `'off'`,
	`0`, `-0`, `+0`, `0.0`, `00`, `1`, `+1`, `-1`, `7`, `007`, `010`, `0o17`, `0x1F`, `0b11`, `1_000`, `10`, `10.0`, `1e1`, `1E3`, `1e300`, `1000`, `1001`, `1.5`, `1.50`, `.5`, `5.`, `1,000`, `99999999999999999999`, `200`, `404`, `99`, `600`, `200.0`, `2e2`, `0xC8`, `"200"`, `"10"`, `"0"`, `"0.0"`,
	`2024-01-01`, `2024-01-01T00:00:00Z`, `12:30`, `1:30:00`, `0s`, `0d`, `0h0m`, `1s`, `3s`, `90s`, `1m`, `2m`, `1h`, `12h`, `24h`, `36h`, `48h`, `1d`, `5d`, `1d12h`, `1.5d`, `.5d`, `5.d`, `1d0`, `1d0.5h`, `d`, `1d1d`, `12h1d`, `-1h`, `1d-12h`, `+1d`, `5days`, `1e3d`, `1µs`, `1μs`, `5 d`, `1h30m`, `one week`,
	`1s2`, `1ns`, `100ms`, `3650d`, `365d`,
	`0 * * * *`, `"0 * * * *"`, `"@daily"`, `"@every 10m"`, `CRON_TZ=Asia/Seoul 0 9 * * *`,
	`200-399`, `399-200`, `100-599`, `200 - 399`, `200-`, `-399`, `99-200`, `200-600`, `"200-399"`, `[]`, `[200]`, `[200, 300-399]`, `[200, "401"]`, `[[200]]`, `[~]`, `[200-399, x]`, `[true]`, `[200.5]`,
	`200MB`, `200 mb`, `1.5GiB`, `1k`, `1KiB`, `1 MiBs`, `MB`, `-1MB`, `1.2.3`, `NaN`, `.nan`, `.inf`, `-.inf`, `Inf`, `1kB`, `5B`, `1bb`, `"1e3"`, `1e3MB`, `0x10MB`, `200  MB`, `"200 "`, `1Kb`, `1ki`,
	`linux/amd64`, `linux/arm64`, `linux/386`, `default`, `none`, `host`, `bridge`, `created`, `deployed`, `Created`, `http`, `https`, `HTTP`,
	`.`, `..`, `./..`, `./a`, `../a`, `a/../b`, `a..b`, `..a`, `a/`, `/`, `/abs`, `.//../x`, `./././../x`, `Dockerfile`, `docker/Dockerfile`, `app.war`, `target/app.jar`, `a.zip`, `.zip`, `app.WAR`, `a.war.txt`, `a.tar.gz`, `"a\n.war"`, `"~/x"`, `C:\x`, `'a\b'`,
	`/healthz`, `/healthz?deep=1`, `//evil/x`, `/x#y`, `/a b`, `/%2F`, `/%zz`, `/a?%zz`, `/?`, `/?x?y`, `/ü`, `/a//b`, `healthz`, `"/a\nb"`,
	`us-east-1`, `ap-northeast-2`, `us-gov-west-1`, `Seoul`, `us-east`, `us-east-1a`, `my-bucket`, `my.bucket.1`, `ab`, `A`, `-ab`, `a_b`,
	`t3.small`, `t3`, `u-6tb1.112xlarge`, `T3.small`, `t3.small.x`, `ECS running on 64bit Amazon Linux 2023`, `arn:aws:x`, `Corretto 21 running on 64bit Amazon Linux 2023`,
	`shop-dev1`, `x--y`, `-shop`, `shop-`, `abc`, `0123456789012345678901234567890123456789`, `01234567890123456789012345678901234567890`,
	`arn:aws:iam::123456789012:role/x`, `arn:aws-cn:iam::123456789012:role/team/x`, `arn:aws:iam::1:role/x`, `arn:aws:iam::123456789012:instance-profile/x`, `aws-elasticbeanstalk-ec2-role`, `a b`, `a+=,.@-b`,
	`arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/NAME/0123456789abcdef`, `arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/a/1`,
	`U012AB3CD`, `W0KIM`, `kim`, `[U012AB3CD]`, `[U012AB3CD, kim]`, `["U1"]`, `[U1, U1]`, `"#qa"`, `#qa`, `C0123`,
	`git@github.com:acme/shop.git`, `https://github.com/acme/shop.git`, `https://kim@example.com/shop`, `https://kim:pw@example.com/shop`, `https://kim:@example.com/shop`, `HTTPS://example.com:443/a%20b`, `https://[::1]:8080/x`, `https://example.com`, `https:///x`, `https://a b/x`, `https://example.com/%zz`, `ssh://git@host:22/x`, `ftp://host/x`, `file:///srv/git`, `file://host/x`, `ext::sh -c id`, `--upload-pack=id:x`, `host:x`, `host:-x`, `/srv/git`, `https://münchen.example/x`, `https://host/x@y:z`,
	`base`, `Shop`, `shop:1`, `shop:TAG`, `shop:`, `host.example.com/a`, `host.example.com/ab`, `Host/x`, `a_b/c`, `A_b/c`, `localhost:5000/shop`, `a--b/c`, `a__b`, `a___b`, `team/shop`, `a//b`, `shop@sha256:0`, `"[::1]:5000/x"`, `123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/shop`, `host.example.com/team/x`, `a.b/c`, `registry.example.com/shop/web:main`, `shop/`, `https://host/shop`, `x:99999999/ab`, `my.team/shop_1-x`,
	`shop@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`, `shop:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`, `0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`, `"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdea"`,
	`[default]`, `[default, "deploy.key=../key,/other"]`, `["=key"]`, `["a="]`, `["a=b,,c"]`, `["a=b,"]`, `["a= "]`, `[" =b"]`, `["a=b=c"]`, `[a, a]`, `["a\tb"]`, `[1]`, `[""]`, `[base, "registry.example.com/shop/web:main"]`, `[.ebextensions, .platform]`, `[a, ..]`, `[{a: b}]`, `[a, ~]`, `[,]`,
	`{}`, `{a: b}`, `{A: 1, B: yes, C: , D: ""}`, `{A: [b]}`, `{"A B": 1}`, `{A=B: c}`, `{"a}": c}`, `{A: {b: c}}`, `{"": x}`, `{"a\u001bb": c}`, `{1: 2}`, `{~: x}`, `{true: x}`, `{A: "a\nb"}`, `{A: "\e[2J"}`, `{"A,B": c}`, `{변수: c}`, `{A: !!str 1}`, `{A: 2024-01-01}`, `{A: 0b11}`,
	`{"aws:elasticbeanstalk:command": {Timeout: 900}}`, `{"aws:autoscaling:asg": {MaxSize: 1, MinSize: "1\n"}}`, `{"aws:elasticbeanstalk:application:environment": {A: b}}`, `{"aws:elasticbeanstalk:application:environmentsecrets": {A: b}}`, `{foo: {A: b}}`, `{"aws:x": b}`, `{"aws:x": }`, `{"aws:x": {" ": b}}`,
	`{DB: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/db-a1B2c3:password::"}`, `{KEY: "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/team/key"}`, `{A: ""}`, `{A: hunter2}`, `{A: 5}`, `{A: true}`, `{A: }`,
	`[{id: a, file: b}]`, `[{id: a, env: B}]`, `[{id: a}]`, `[{id: a, file: b, env: C}]`, `[{file: b}]`, `[~]`, `[{id: "", env: C}]`, `[{id: a, env: $C}]`, `[{id: a, file: b, x: y}]`, `[x]`, `[{id: settings.xml, file: ../.npmrc}, {id: a/b c, file: /home/.netrc}]`,
	`{web: {}}`, `{web: }`, `{web: ~, b: {context: .}}`, `{we b: {}}`, `{web: x}`, `{web: []}`, `{path: /x, status: 200, timeout: 1m}`, `{timeout: 0s}`, `{status: []}`, `{path: }`,
	`{remote: /srv/git}`, `{after: 1h}`, `{remote: /srv/git, after: 1h}`, `{after: 5d, from: created}`, `{bucket: my-bucket}`,
	strings.Repeat("x", 100), strings.Repeat("x", 101), strings.Repeat("가", 100), strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 257), strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("x", 128), strings.Repeat("x", 129),
	"|\n          one\n          two", ">-\n          one\n          two", "|-\n          one", "\n          a: b", "\n          - a",
}
