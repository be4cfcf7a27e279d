// An OIDC issuer for tests: node oidc.mjs HOME PORT, where HOME has npm's oidc-provider installed.
//
// Whoever gives a name and any password is signed in under it: `ana` is ana@example.com, an address that counts as verified unless
// the name begins with "unverified". Everyone is in the group "everyone", names that begin with "ops" also in "ops". Clients
// register themselves (RFC 7591). PKCE is demanded. ID tokens say no more than who it is:
// the rest is told to whoever asks with the access token, as many issuers do it.
const [home, port] = process.argv.slice(2)
const { default: Provider } = await import(`${home}/node_modules/oidc-provider/lib/index.js`)

const person = (id) => ({
    sub: id,
    name: id,
    email: `${id}@example.com`,
    email_verified: !id.startsWith('unverified'),
    groups: id.startsWith('ops') ? ['everyone', 'ops'] : ['everyone'],
})

const provider = new Provider(`http://127.0.0.1:${port}`, {
    features: { registration: { enabled: true } },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    scopes: ['openid', 'email', 'profile'],
    conformIdTokenClaims: true,
    pkce: { required: () => true },
    cookies: { keys: ['of a test'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => person(id) }),
    ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, IdToken: 3600, Interaction: 3600, Session: 3600 },
})
provider.listen(Number(port), '127.0.0.1')
