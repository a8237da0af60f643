/// Homophones: words and characters that people write for each other because they sound the same.
enum Homophones {
  /// The text with some words and characters replaced by others of the same sound; nil where there is none.
  static func change(_ units: TextUnits, most: Int, using random: inout some RandomNumberGenerator) -> String?
  {
    let words = units.words.filter { english[units[$0].lowercased().replacing("’", with: "'")] != nil }
    let characters = units.chinese.filter { chinese[units.characters[$0]] != nil }.map { $0..<$0 + 1 }
    let places = (words + characters).sorted { $0.lowerBound < $1.lowerBound }
    return units.changing(places, most: most, using: &random) { text, random in
      if let first = text.first, let others = chinese[first] { return String(random.pick(others)) }
      let word = text.lowercased().replacing("’", with: "'")
      return cased(random.pick(english[word] ?? [word]), like: text)
    }
  }

  /// A word in small letters with the capitals of another.
  static func cased(_ word: String, like other: String) -> String {
    let letters = other.filter(\.isLetter)
    guard let first = letters.first, first.isUppercase else { return word }
    if letters.count > 1, letters.allSatisfy(\.isUppercase) { return word.uppercased() }
    return word.prefix(1).uppercased() + word.dropFirst()
  }

  /// The others of each word's group.
  static let english: [String: [String]] = others(
    englishGroups, split: { $0.split(separator: "/").map(String.init) })
  /// The others of each character's groups.
  static let chinese: [Character: [Character]] = others(chineseGroups, split: { Array($0) })

  /// The other members of the groups that each member stands in.
  static func others<Member: Hashable>(
    _ table: String, split: (Substring) -> [Member]
  ) -> [Member: [Member]] {
    var others: [Member: [Member]] = [:]
    for group in table.split(whereSeparator: \.isWhitespace).map(split) {
      for member in group { others[member, default: []] += group.filter { $0 != member } }
    }
    return others
  }

  /// Groups of English words that sound the same, written by hand; those that differ by an apostrophe alone among them.
  private static let englishGroups = """
    their/there/they're your/you're its/it's whose/who's to/too/two by/buy/bye for/four no/know not/knot new/knew one/won
    here/hear be/bee see/sea so/sew in/inn our/hour or/oar/ore would/wood write/right/rite made/maid some/sum son/sun
    great/grate week/weak way/weigh wait/weight whole/hole where/wear weather/whether which/witch while/wile through/threw
    time/thyme tale/tail seen/scene seem/seam real/reel role/roll piece/peace plain/plane principal/principle past/passed
    patients/patience pair/pear pause/paws poor/pour/pore pray/prey night/knight nose/knows none/nun meet/meat male/mail
    main/mane mind/mined might/mite morning/mourning led/lead least/leased lesson/lessen lone/loan high/hi him/hymn
    idol/idle i/eye aisle/isle/i'll heel/heal/he'll wheel/we'll weave/we've die/dye dear/deer days/daze dual/duel fair/fare
    feat/feet find/fined flew/flu flower/flour gate/gait guest/guessed guys/guise hair/hare hall/haul cell/sell
    cent/scent/sent cast/caste site/sight/cite course/coarse cruise/crews cue/queue capital/capitol complement/compliment
    council/counsel break/brake board/bored born/borne bare/bear base/bass beat/beet been/bean blue/blew bread/bred
    bridal/bridle ad/add aid/aide air/heir all/awl allowed/aloud altar/alter ate/eight aunt/ant ascent/assent sole/soul
    soar/sore steal/steel step/steppe story/storey straight/strait style/stile sweet/suite tea/tee team/teem tear/tier
    thrown/throne toe/tow told/tolled vain/vein/vane waist/waste war/wore warn/worn wrap/rap wring/ring world/whirled
    rain/reign raise/rays rest/wrest road/rode root/route rose/rows sail/sale shear/sheer shoot/chute side/sighed
    size/sighs slay/sleigh muscle/mussel profit/prophet presence/presents hoarse/horse mist/missed must/mussed oh/owe
    pale/pail pedal/peddle peak/peek steak/stake stair/stare stationary/stationery sword/soared taught/taut tide/tied
    tax/tacks trust/trussed byte/bite but/butt do/due/dew more/moor he'd/heed read/reed bell/belle bold/bowled cash/cache
    chord/cord click/clique clause/claws creak/creek currant/current faint/feint fate/fete flair/flare foreword/forward
    fourth/forth genes/jeans grown/groan holy/wholly key/quay knead/need knit/nit knot/not links/lynx load/lode
    manner/manor medal/meddle metal/mettle miner/minor naval/navel ordinance/ordnance pact/packed pole/poll rough/ruff
    sauce/source serial/cereal sleight/slight stalk/stork symbol/cymbal tire/tyre trader/traitor vale/veil
    wave/waive wine/whine yoke/yolk
    """

  /// Groups of Chinese characters that sound the same.
  ///
  /// The 2,000 characters of the first level of GB 2312 that the words of jieba's dictionary use most, each by the commonest
  /// reading that pypinyin gives it, grouped by syllable and tone, the commonest first; characters alone in their group are
  /// left out. The first line was put together by hand: particles and pairs that are mixed up most.
  private static let chineseGroups = """
    的地得 吗嘛 吧把 做作 在再 他她它 那哪 已以 象像 带戴 帐账 园圆 座坐
    爱碍 安氨 案按暗岸 奥澳 八巴 罢爸 百摆柏 败拜 般班颁搬斑 板版 半办伴 邦帮 包胞 保宝堡 报抱爆暴
    杯悲碑卑 被备背辈贝倍 比笔彼 必毕币闭避壁臂 边编鞭 变便遍辩辨 兵冰 并病 波播拨剥 伯博 补捕 不部布步
    才财材裁 采彩 参餐 策测侧册 曾层 察查茶 常肠偿尝 场厂 唱畅 朝潮 撤彻 陈沉臣尘晨 成城程承乘呈诚 持池迟驰
    尺齿 冲充 崇虫 仇筹愁 出初 楚础储 处触畜 穿川 传船 词磁辞慈 次刺 从丛 错措 达答 代带待戴袋贷 单担丹
    但弹蛋淡旦 党挡 荡档 导岛 到道倒盗 得德 登灯 低滴堤 敌迪 底抵 地第帝弟递 点典 电殿店 调掉吊 爹跌 定订
    东冬 董懂 动洞 斗豆 独读毒 度渡杜肚 段断 对队 吨敦 顿盾 躲朵 额俄 鄂恶 而儿 尔耳 罚乏伐阀 翻番
    繁凡烦 反返 范饭犯泛 方芳坊 防房 访纺仿 非飞菲 费废 分纷 份奋愤 风封丰峰锋疯 奉凤缝 夫肤
    服福佛幅伏符浮扶俘 府腐辅抚 复副富负父妇附付腹赴赋傅覆咐 概盖 甘杆肝 感敢赶 刚钢冈纲 港岗 高糕 搞稿 哥歌割
    革格阁隔 个各 根跟 工公功宫供攻恭 共贡 沟勾 构够购 姑孤估 古股骨谷鼓 故顾固 关官观冠棺 管馆 贯惯灌 规归
    鬼轨 贵桂跪 郭锅 还孩 含韩寒函 汉汗 航杭 毫豪 号耗浩 和合河何核荷 赫贺 很狠 横衡恒 红洪宏鸿 后候厚
    乎呼忽 湖胡狐糊 护户互 华滑 化话划画 怀淮 换患唤 荒慌 黄皇 挥灰恢辉徽 会汇绘惠慧 婚昏 魂浑 火伙
    或获货霍祸 机基积击激鸡肌 级及集即极急辑吉疾籍脊 己几挤 计济技记际纪继既季迹剂绩祭忌寄 家加嘉佳夹 假甲贾
    价架驾嫁 间监坚兼尖肩奸艰 检简减 建见件剑渐健舰箭键践鉴荐 将江疆 讲奖蒋 降匠 交焦胶郊椒 角脚 教叫较
    接阶街皆揭 结节截杰捷洁 解姐 界介届借戒 金今津斤筋 仅尽紧锦 进近禁劲晋 经京精惊荆睛晶 景警井颈
    境竟静径竞敬镜净靖 究纠 九酒久 就救旧 据具句剧巨距聚拒俱惧 决觉绝掘 军均君菌 郡俊 刊堪 考烤 科颗 克客刻课
    孔恐 快块 况矿 括扩阔 腊辣 来莱 兰蓝拦篮栏 郎廊狼 劳牢 类累泪 离黎厘璃 里理李礼 力立利历例丽隶厉粒励吏
    联连莲 练炼链恋 良粮梁凉 量亮辆 疗辽 列烈裂猎 林临邻 陵灵零龄凌 领岭 令另 流留刘 龙隆笼 卢炉 路陆录露鹿
    轮伦 罗逻 落络洛 律率绿虑 马码 吗嘛 卖脉麦 慢曼漫 毛矛茅 贸冒貌 没梅媒煤眉枚 美每 蒙盟 梦孟 迷弥 密秘
    苗描 庙妙 明名鸣 模摩磨魔膜 末莫默墨漠 母亩姆 目木墓幕牧慕穆 那纳娜 奶乃 耐奈 南难男 脑恼 尼泥 你拟
    宁凝 纽扭 农浓 偶藕 排牌 判叛 炮泡 培陪 配佩 朋彭 批披 偏篇 片骗 频贫 平评凭瓶屏 坡泊 破迫 普谱
    期七妻欺漆 其奇齐旗骑棋 起企启岂 气器汽弃 千签迁牵 前钱潜乾 浅遣 枪腔 强墙 桥瞧乔 亲侵 秦勤琴 清青轻倾
    请顷 秋丘 求球 区曲趋屈驱 去趣 全权泉拳 券劝 却确 然燃 人仁 任认 容荣融溶 乳辱汝 若弱 杀沙 闪陕 善扇
    商伤 上尚 烧稍 蛇舌 设社射涉摄 身深伸申 什神 审沈 生声升牲 胜盛圣剩 师施失诗尸湿狮 时实十石食识拾 使史始
    是市事世式士示势视试似适室释侍氏饰 手首守 受授售寿兽 书输殊叔疏舒枢 属署 数术树述束 睡税 司斯思私丝 四寺
    送宋 搜艘 速素诉肃宿塑 岁碎遂 所索锁 他她它 台抬 太态泰 滩贪 谈坛 探叹碳 堂唐糖 桃逃陶 腾疼 提题 天添
    田甜填 听厅 停庭廷亭 艇挺 同童铜 头投 图途徒涂 土吐 托脱拖 湾弯 完玩 晚碗 王亡 往网 望忘 微威危
    维围韦唯违 委尾伟纬 为位未卫味谓魏慰胃 文闻纹 屋乌污 无吴吾 武五午舞伍 物务误雾悟 西息希吸析稀悉惜熙锡溪
    席习袭 喜洗 系细戏 辖峡侠 下夏吓 先鲜仙纤 闲贤咸弦 显险 现县线限献宪陷腺 相乡香襄湘箱 祥详 想响享
    向像象项 消销 小晓 笑校效孝 些歇 协斜胁鞋携邪 谢械 心新辛薪欣 兴星 行形型刑 性姓幸 兄胸凶 雄熊 修休
    秀袖绣 需须虚 续序绪叙 旋悬玄 学穴 寻询巡循 训迅讯 牙衙 言研严沿岩延盐颜炎 眼演掩 验堰燕宴 阳杨洋扬羊
    养氧仰 腰邀妖 摇遥 要药耀 爷耶 也野冶 业夜叶页液 一依医衣伊 宜遗移疑仪夷 以已乙
    意义议易艺亿益异役亦译翼忆抑 因音阴殷 引隐饮 应英 营迎盈赢 硬映 拥庸 永勇涌 优忧悠幽 由游油尤犹邮 有友
    又右幼 于鱼余渔 与语雨予宇羽 育域玉预遇御欲誉愈豫狱郁 员原元源园圆袁缘援 院愿怨 约曰 月越岳跃阅 在再载 赞暂
    葬脏 早藻 则责泽择 寨债 战站占 张章 长掌涨 障丈仗帐杖 照召赵兆 折哲 这浙 真针珍侦 镇阵震振 争征蒸
    政正证症郑 之知支织枝脂 直职值执植殖 只指止纸址旨 制治至质志置致智 中终钟忠 种肿 重众 州周洲 朱诸珠猪 逐竹
    住注助著筑驻柱祝 专砖 装庄 状壮撞 桌捉 资滋咨 自字 宗综踪 族足卒 组祖阻 最罪醉 尊遵 作做坐座
    """
}
