"""keccak256 of the runtime code that stands on mainnet, as others have published it.

What the box builds is held against these at every `verify`. An address that is missing here has no published hash, or is known
to differ: USDC, AAVE, LINK and the Aave Pool proxy are the same sources compiled otherwise, USDT, WBTC and Lido's tokens are
stand-ins, and Balancer's Vault keeps times of its own construction in its code.
"""

from collections.abc import Mapping
from types import MappingProxyType

from devnet import addresses as a

PUBLISHED: Mapping[str, str] = MappingProxyType(
    {
        a.TOKENS["WETH"].address: "d0a06b12ac47863b5c7be4185c2deaad1c61557033f56c7d4ea74429cbb25e23",
        a.TOKENS["DAI"].address: "4e36f96ee1667a663dfaac57c4d185a0e369a3a217e0079d49620f34f85d1ac7",
        a.TOKENS["UNI"].address: "deba17f16fdba566b45d8019575e068625403cc6986fa17ceadd6edf08aa0868",
        a.V2_FACTORY: "bab145d02e7005f0d84c6c1639d39b799b0ea16df99ebbdaf5a14d9da820b4e0",
        a.V2_ROUTER: "a324bc7db3d091b6f1a2d526e48a9c7039e03b3cc35f7d44b15ac7a1544c11d2",
        "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc": "5b83bdbcc56b2e630f2807bbadd2b0c21619108066b92a58de081261089e9ce5",
        a.V3_FACTORY: "4d7b8525cd5d14343fa67a732fba5b24cddba11620ca88392f4ec6c52f91fd69",
        a.V3_ROUTER: "bb90113d2f9a5e9b7feb15a1d1fff06c1ee1575b3f9b1181778ffd0cf633e7ea",
        a.V3_ROUTER_02: "6ec798e80f3a19de650826338677604e54d6664f44a33b53a20b22b1939f402e",
        a.V3_QUOTER_V2: "06148f47d0f41a68d3bc970030a7150e5d608cfbc28d372440a2e41ce543d92b",
        a.V3_POSITION_MANAGER: "692e658b31cbe3407682854806658d315d61a58c7e4933a2f91d383dc00736c6",
        "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640": "a981b66c747a3d9fa29d7e200d5faaa2826960523d0e5a0df8148e8868c480b4",
        a.PERMIT2: "c67d1657868aa5146eaf24fb879fb1fdec3d2d493b3683a61c9c2f4fb2851131",
        a.V4_POOL_MANAGER: "785f1014552b7ce7d5fb7d0c970ca60edee94fd00425d7ca21609acac7ce1293",
        a.V4_POSITION_MANAGER: "77e36c08b19959a30dde46dec9abe6208e371ff2f56884a56fe1e1a53615528b",
        a.V4_QUOTER: "06de58fa119c5deaa7a667fb92d3894e25d9160e62fb82c8d86d43b47eefe441",
        a.V4_STATE_VIEW: "d7947778589cf4aac9a092a4451292a2056380941635ab7006d3c691d8dfd878",
        a.UNIVERSAL_ROUTER: "6a5f46971b50c6e1b7eef97902311444e479d734e4f80ad88367783cf373fe7f",
        a.MULTICALL3: "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891",
        a.MORPHO_BLUE: "fa259fa317198f88f5fa3c119f06c066295dbcd47d715e0a30e1bcf94c02ef8c",
    }
)
