"""What a credential looks like, as data: tokens of known issuers, words that name secrets, words that only seem to.

Owns patterns and word lists; every pattern is linear in the text (bounded repeats, nothing nested). How they are
applied, and what is put in their place, is `redact`'s business.
"""

from __future__ import annotations

MARK = "[redacted:"
"""How what is put in a credential's place begins; the kind and `]` follow."""

# (kind, what the token begins with in lower case, pattern): tokens that are recognisable wherever they stand.
# Where the pattern is refused it must have read a bounded number of characters; `<begin>` is the one found.
TOKENS: tuple[tuple[str, str, str], ...] = (
    (
        "private-key",
        "-----begin",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]|-(?!----END)){0,65536}(?:-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    ("aws-key", "akia asia agpa aida aroa anpa anva abia acca", r"\bA[A-Z]{3}[A-Z0-9]{16}\b"),
    ("github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\bg(?:h[pousr]|ithub_pat)_[A-Za-z0-9_]{20,255}"),
    (
        "gitlab-token",
        "glpat- glptt- gldt- glrt- glcbt- glft- glsoat- glagent- glimt- gloas-",
        r"\bgl[a-z]{2,6}-[A-Za-z0-9_.-]{16,255}",
    ),
    (
        "slack-token",
        "xoxa- xoxb- xoxc- xoxd- xoxe- xoxe. xoxo- xoxp- xoxr- xoxs- xapp-",
        r"\bx(?:ox[a-z]|app)[.-][A-Za-z0-9.-]{8,512}",
    ),
    ("slack-hook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{8,255}"),
    ("ai-key", "sk-", r"(?<![A-Za-z0-9])sk-(?=[A-Za-z_-]{0,48}+\d)[A-Za-z0-9_-]{20,512}"),
    ("google-key", "aiza", r"\bAIza[A-Za-z0-9_-]{30,255}"),
    ("google-key", "ya29.", r"\bya29\.[A-Za-z0-9_.-]{16,2048}"),
    ("google-key", "gocspx-", r"\bGOCSPX-[A-Za-z0-9_-]{16,255}"),
    ("google-key", "1//0", r"\b1//0[A-Za-z0-9_-]{20,512}"),
    ("huggingface-token", "hf_ api_org_", r"\b(?:hf|api_org)_[A-Za-z0-9]{24,255}"),
    (
        "stripe-key",
        "sk_live_ sk_test_ rk_live_ rk_test_ whsec_",
        r"\b(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{12,255}",
    ),
    ("package-token", "npm_ rubygems_", r"\b(?:npm|rubygems)_[A-Za-z0-9]{30,255}"),
    ("package-token", "pypi-ag dckr_pat_ dckr_oat_", r"\b(?:pypi-Ag|dckr_[a-z]{3}_)[A-Za-z0-9_-]{20,512}"),
    ("sendgrid-key", "sg.", r"\bSG\.[A-Za-z0-9_-]{16,255}\.[A-Za-z0-9_-]{16,255}"),
    ("databricks-token", "dapi", r"\bdapi[a-f0-9]{32}"),
    ("shopify-token", "shpat_ shpss_ shpca_ shppa_", r"\bshp[a-z]{2}_[A-Fa-f0-9]{16,64}"),
    (
        "service-token",
        "dop_v1_ doo_v1_ dor_v1_ sq0atp- sq0csp- sq0idp- lin_api_ ntn_ secret_ hvs. hvb. dp.pt. dp.st. dp.ct. glsa_ "
        "glc_ nrak- sntrys_ sntryu_ pul- r8_ gsk_ xai- pplx- sbp_ pscale_tkn_ pscale_pw_ fly_ wandb_v1_ pcsk_ tvly- "
        "phx_ lsv2_pt_ lsv2_sk_ atatt3x atctt3x",
        r"\b<begin>(?=[A-Za-z_=.-]{0,48}+\d)[A-Za-z0-9_=.-]{14,1024}",
    ),
)
# In three to five parts with points between; the first is the one whose beginning is known.
JWT = ("jwt", "eyj", r"\beyJ[A-Za-z0-9_-]{6,}+", r"\.[A-Za-z0-9_-]{6,}+(?:\.[A-Za-z0-9_-]*+){0,3}")
# The same for tokens whose mark is no fixed text at their beginning: (kind, trigger in lower case, characters that
# stand before the trigger, pattern).
MARKED: tuple[tuple[str, str, int, str], ...] = (
    ("azure-secret", r"[0-9]q~", 3, r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,64}"),
    ("bot-token", r"[0-9]{8}:aa", 2, r"\d{8,10}:AA[A-Za-z0-9_-]{30,255}"),
    ("twilio-key", r"sk[0-9a-f]{32}", 0, r"\bSK[0-9a-f]{32}\b"),
)

# Words that name a secret in running text; `redact.sensitive` then judges the whole name.
NAMING = (
    "pass psw pw secret token credential apikey api_key api-key accesskey access_key "
    "access-key accountkey account_key privatekey private_key private-key sharedkey shared_key sharedaccesskey "
    "signingkey signing_key encryptionkey encryption_key masterkey master_key storagekey storage_key sshkey ssh_key "
    "authkey auth_key hmackey hmac_key fernetkey fernet_key subscriptionkey subscription_key deploykey deploy_key "
    "connectionstring connection_string connstr conn_str signature"
)
HEADERS = "authorization cookie"

# Logins as certain programs write them: (words it begins with, separated by `|`, pattern with groups `a`, `b` or `c`,
# one of which is the secret). `<words>` are some words of a command line, or of its list of arguments.
LOGINS: tuple[tuple[str, str], ...] = (
    ("jdbc:oracle:", r"(?i:jdbc:oracle:)[a-z]{1,10}:(?P<a>[^\s/@\"']{1,128}/[^\s\"'<>]{1,256})@"),
    (
        "mysql|mariadb",
        r"(?:mysql|mariadb)[a-z_]{0,20}<words>-p(?:(?<=[\s,]-p)\"(?P<a>[^\"\n]+)|(?<=[\s,]-p)'(?P<b>[^'\n]+)|(?P<c>[^\s\"']+))",
    ),
    (
        "curl",
        r"curl<words>(?:-[uU]|--(?:proxy-)?user)[\s=\"',]{0,5}(?:(?<=\")(?P<a>[^\"\n:]{0,255}:[^\"\n]+)|"
        r"(?<=')(?P<b>[^'\n:]{0,255}:[^'\n]+)|(?P<c>[^\s\"':]{0,255}:[^\s\"']+))",
    ),
    (
        "machine|default login",
        r"(?:machine\s{1,8}\S{1,255}\s{1,20}|default\s)(?:(?:login|account)\s{1,8}\S{1,255}\s{1,20}){1,2}"
        r"password\s{1,8}(?P<a>\S+)",
    ),
)
WORDS = r"(?:[\s\"',]{1,5}[^\s\"',]{1,200}+){0,12}?[\s\"',]{1,5}"

# Parts of a name (its words joined) that make it a secret's name whatever stands around them.
SECRET_PARTS = (
    "password", "passwd", "passphrase", "passcode", "passwort", "apikey",
    "secretkey", "privatekey", "accesskey", "accountkey",
    "sharedkey", "signingkey", "encryptionkey", "masterkey", "storagekey", "sshkey", "authkey", "hmackey", "fernetkey",
    "subscriptionkey", "deploykey", "clientsecret", "accesstoken", "authtoken", "refreshtoken", "sessiontoken",
    "bearertoken", "connectionstring", "connstr", "setcookie",
)  # fmt: skip
SECRET_NAMES = frozenset({
    "pwd", "secret", "secrets", "credential", "credentials", "creds", "authorization", "cookie", "cookies", "sas",
    "auth", "signature", "sig",
})  # fmt: skip
# The same where nothing but a number follows: `db_pw` is a password, `pw_conv` is a layer of a network.
SECRET_LAST = frozenset({"pw", "psw"})
# `db_pass` is a password, `first_pass` is not.
PASS_OWNERS = frozenset({
    "db", "user", "mysql", "pg", "postgres", "smtp", "redis", "ftp", "ssh", "admin", "root", "http", "proxy",
    "sudo", "mail",
})  # fmt: skip
# A name whose last word is one of these tells something about a secret, not the secret.
ABOUT = frozenset({
    "strength", "length", "len", "policy", "count", "counts", "file", "path", "dir", "name", "names", "id", "ids",
    "field", "column", "columns", "col", "type", "types", "ttl", "expiry", "expires", "expiration", "enabled",
    "required", "min", "max", "rate", "limit", "usage", "budget", "accuracy", "loss", "embedding", "embeddings",
    "prefix", "suffix", "version", "arn", "ref", "manager", "backend", "hint", "size", "index", "idx", "mask",
    "vocab", "digest", "source", "scope", "provider", "algorithm", "method", "dropout", "similarity", "mode",
    "rotation",
})  # fmt: skip
# `pad_token` and its like are vocabulary of language models.
VOCABULARY = frozenset({
    "pad", "eos", "bos", "unk", "sep", "cls", "mask", "stop", "start", "end", "special", "next", "first", "last",
    "new", "per", "max", "min", "num", "n", "total", "image", "additional", "extra", "prompt", "completion",
    "continuation", "sub", "decoder", "forced", "begin", "query", "trigger", "placeholder",
})  # fmt: skip
# Under these a value is a secret only if it looks like one.
SUSPECT_WORDS = frozenset({"key", "session", "sid", "bearer", "access", "nonce", "salt", "pin", "otp", "cert", "login"})

# Signed addresses: parameters that grant access or name who was granted it.
SIGNED = (
    "x-amz-signature x-amz-credential x-amz-security-token x-goog-signature x-goog-credential signature awsaccesskeyid "
    "googleaccessid policy key-pair-id sig se skoid sktid code key auth access_token id_token sas hmac hdnea token "
    "api_key apikey password secret"
)
