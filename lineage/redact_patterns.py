"""What a credential looks like, as data: tokens of known issuers, words that name secrets, words that only seem to.

Owns patterns and word lists; every pattern is linear in the text (bounded repeats, nothing nested). How they are
applied, and what is put in their place, is `redact`'s business.
"""

from __future__ import annotations

# kind → pattern of a token that is recognisable wherever it stands.
TOKENS: dict[str, str] = {
    "private_key": (
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]|-(?!----END)){0,65536}(?:-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
    ),
    "jwt": r"\beyJ[A-Za-z0-9_-]{6,8192}\.[A-Za-z0-9_-]{6,8192}\.[A-Za-z0-9_-]{0,8192}",
    "aws_key": r"\bA(?:KIA|SIA|GPA|IDA|ROA|NPA|NVA|BIA|CCA)[A-Z0-9]{16}\b",
    "github_token": r"\bg(?:h[pousr]_|ithub_pat_)[A-Za-z0-9_]{20,255}",
    "gitlab_token": r"\bgl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|imt|oas)-[A-Za-z0-9_.-]{16,255}",
    "slack_token": (
        r"\bx(?:ox[a-z]|app)-[A-Za-z0-9-]{8,255}|\bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{8,255}"
    ),
    "ai_key": r"\bsk-(?=[A-Za-z0-9_-]{0,48}\d)[A-Za-z0-9_-]{20,512}",
    "google_key": (
        r"\bAIza[A-Za-z0-9_-]{30,255}|\bya29\.[A-Za-z0-9_.-]{16,2048}"
        r"|\bGOCSPX-[A-Za-z0-9_-]{16,255}|\b1//0[A-Za-z0-9_-]{20,512}"
    ),
    "azure_secret": r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,64}",
    "huggingface_token": r"\b(?:hf|api_org)_[A-Za-z0-9]{24,255}",
    "stripe_key": r"\b(?:[srp]k_(?:live|test)_|whsec_)[A-Za-z0-9]{12,255}",
    "package_token": (
        r"\b(?:npm_[A-Za-z0-9]{30,255}|pypi-[A-Za-z0-9_-]{40,512}|dckr_[a-z]{3}_[A-Za-z0-9_-]{20,255}|rubygems_[a-f0-9]{40,255})"
    ),
    "sendgrid_key": r"\bSG\.[A-Za-z0-9_-]{16,255}\.[A-Za-z0-9_-]{16,255}",
    "databricks_token": r"\bdapi[a-f0-9]{32}",
    "bot_token": r"\b\d{8,10}:AA[A-Za-z0-9_-]{30,255}",
    "twilio_key": r"\bSK[0-9a-f]{32}\b",
    "service_token": (
        r"\b(?:do[opr]_v1_|shp(?:at|ss|ca|pa)_|sq0[a-z]{3}-|lin_api_|ntn_|secret_|hv[sb]\.|dp\.[a-z]{2,5}\.|gl(?:sa|c)_|NRAK-"
        r"|sntry[su]_|pul-|r8_|gsk_|xai-|pplx-|sbp_|pscale_[a-z]{2,5}_|fly_|wandb_v1_|pcsk_|tvly-|phx_|lsv2_[a-z]{2}_|AT[AC]TT3x"
        r"|key-(?=[0-9a-f]{32}\b))(?=[A-Za-z0-9_=.-]{0,48}\d)[A-Za-z0-9_=.-]{16,1024}"
    ),
}

# Words that name a secret; `NAMING_WORD` finds them in running text, `redact.sensitive` judges the whole name.
NAMING_WORD = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|credential|api[ _-]?key|"
    r"(?:access|account|private|shared|signing|encryption|master|storage|ssh|auth|hmac|fernet|subscription|deploy)[_-]?key|"
    r"connection[ _-]?string|conn[_-]?str|signature|\bsig\b"
)
HEADER_WORD = r"(?:proxy-|x-)?authorization|(?:set-)?cookie"

# Parts of a name (its words joined) that make it a secret's name whatever stands around them.
SECRET_PARTS = (
    "password", "passwd", "passphrase", "passcode", "apikey", "secretkey", "privatekey", "accesskey", "accountkey",
    "sharedkey", "signingkey", "encryptionkey", "masterkey", "storagekey", "sshkey", "authkey", "hmackey", "fernetkey",
    "subscriptionkey", "deploykey", "clientsecret", "accesstoken", "authtoken", "refreshtoken", "sessiontoken",
    "bearertoken", "connectionstring", "connstr", "setcookie",
)  # fmt: skip
SECRET_NAMES = frozenset({
    "pwd", "secret", "secrets", "credential", "credentials", "creds", "authorization", "cookie", "cookies", "sas",
    "auth", "signature", "sig",
})  # fmt: skip
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
SIGNED_PARAMETERS = (
    r"X-Amz-(?:Signature|Credential|Security-Token)|X-Goog-(?:Signature|Credential)|Signature|AWSAccessKeyId|GoogleAccessId"
    r"|Policy|Key-Pair-Id|sig|se|st|sp|skoid|sktid|skt|ske|code|key|auth|access_token|id_token|sas|hmac|hdnea"
)
