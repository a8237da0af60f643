/// Characters that the eye takes for each other: strokes more or less in Chinese, letters and digits of Latin print.
enum SimilarShapes {
  /// The text with some words and characters replaced by others of a similar look; nil where there is none.
  static func change(_ units: TextUnits, most: Int, using random: inout some RandomNumberGenerator) -> String?
  {
    let words = units.words.filter { word in units.characters[word].contains { latin[String($0)] != nil } }
    let characters = units.chinese.filter { chinese[units.characters[$0]] != nil }.map { $0..<$0 + 1 }
    let places = (words + characters).sorted { $0.lowerBound < $1.lowerBound }
    return units.changing(places, most: most, using: &random) { text, random in
      if let first = text.first, let others = chinese[first] { return String(random.pick(others)) }
      return misread(text, using: &random)
    }
  }

  /// A word with one letter or digit, or two that look like one, misread.
  private static func misread(_ word: String, using random: inout some RandomNumberGenerator) -> String {
    let letters = Array(word)
    var found: [(place: Range<Int>, text: String)] = []
    for place in letters.indices {
      for length in 1...2 where place + length <= letters.count {
        let part = String(letters[place..<place + length])
        found += (latin[part] ?? []).map { (place..<place + length, $0) }
      }
    }
    guard !found.isEmpty else { return word }
    let choice = random.pick(found)
    return String(letters[..<choice.place.lowerBound]) + choice.text
      + String(letters[choice.place.upperBound...])
  }

  /// The others that a letter, a digit or two letters can be taken for.
  static let latin: [String: [String]] = Homophones.others(latinGroups) {
    $0.split(separator: "/").map(String.init)
  }
  /// The others that a character can be taken for.
  static let chinese: [Character: [Character]] = Homophones.others(chineseGroups) { Array($0) }

  /// Letters and digits of print, written by hand.
  private static let latinGroups = """
    o/0 O/0 O/Q D/O l/1 I/l I/1 i/1 i/j s/5 S/5 z/2 Z/2 B/8 b/6 b/h g/9 g/q G/6 G/C q/9 m/rn d/cl w/vv u/v n/h h/n c/e E/F
    t/f y/v P/R U/V M/N 1/7 3/8 5/6 0/8
    """

  /// Chinese characters, written by hand from strokes and parts that differ little.
  private static let chineseGroups = """
    人入八 大太犬 天夫夭 土士 未末 己已巳 日曰目 甲由申田 千干于 王玉主 木本术 午牛 刀力刃 九丸 儿几 厂广
    贝见 免兔 鸟乌 戊戌戍 析折拆 侯候 晴睛 情清请 拨拔 很狠恨 根跟银 抱跑泡炮饱 辩辨辫 孤狐弧 徒陡 祟崇 复夏
    吴昊 郎朗 狼狠 氏民 风凤 处外 历厉 压庄 园圆 困因囚固 同向 间问闻闷 闪闭 司同 句旬 归旧 今令 冷冶治
    沾粘 玩玫 攻功巧 政改 收放 牧枚 枝技 伴拌绊 刺剌 辛幸 宇字 宁字 室窒 究穷空 寒塞赛 密蜜 官宫 宜宣 客容
    骑椅倚 责贵 贪贫 货贷 陪赔培倍 部剖 喝渴揭歇 场扬杨肠 汤烫荡 抄炒吵钞 纱妙秒 抢枪 论轮伦 偷愉输 推堆准
    唯谁惟 维难 摊滩 雷雪霜 摇遥谣 淘掏陶 稻滔 搞稿 享亨 停亭 惊凉谅 优忧扰犹 无元 云去 拾给 恰洽 舍舌
    古右石 左在 友反发 后右 币市 帅师 扫妇 勾匀勺 均钧 约灼 购构沟钩 苦若苛 何河荷柯 叮盯钉订打 衷哀衰 依浓
    抹沫袜 抽油袖柚 神伸 详祥样洋 况祝 孔扎 杜社肚吐 种钟肿冲 评秤 呼乎平 旱早 焊悍捍 卓桌 悼掉 碑牌脾 埋理
    量重 默墨 熟热 烈裂例 昭照招绍 待侍持诗特 时村付 附符府 拥佣 涌捅桶痛 续读卖买 斤斥 听所诉 近听 断继 渐惭
    载栽裁戴 幻幼 纯钝顿 经轻径茎劲 线浅钱残 错借措惜醋 散撒撤 微徽 缴激邀 博搏傅缚 浦铺捕辅 操澡燥躁 模摸漠膜
    幕墓慕暮 低抵底 悔海侮梅 母毋 胃谓 思恩 怒恕 感惑 戒戎 成咸 诚城 伐代 找我 式武 忙忘 某谋煤媒 要耍
    栗粟票 漂飘 西酉 酒洒 遣遗 逐遂 迫追 送迭 迷述 近返 远还 过边 迟退 桃挑跳 先洗选 先光 充兄 说脱税 锐悦
    竞竟 章童 意章 亲新薪 休体 材村林 检捡险验脸 剑检 性姓胜牲 但坦胆担 抬胎始 络洛落格 各名 永水 冰泳 汗汁
    江红扛 快块决 失矢夫 铁跌 株珠殊 束东 练炼 陈冻 阵陈 车东 军库 挥辉浑 撞幢 慢漫 浸侵 设没投役 般船航舱
    段锻 假暇 食良 很狼 饭板返 饮软 馆管官 坐座 看着 店居 层居 尽昼 屋握 局居 房肩 启肩 扇肩 床庆 应庆
    库床 康庸 歉廉 慊谦 谦歉 赚谦 嫌赚 服报 胸脑 期朝 朋明 阴阳 阶际 防访 陆陈 除徐 余佘 途涂 斜余 叙斜
    杯坏怀环 还环 不丕 坯坏 否杏 查香 杏查 音昔 普晋 暑署著 暗晴 早草 旦但 昨作 易昜 锡踢 物汤 忽勿 场物
    吻吩 粉份纷 盼盆 贫盆 益盖 盘盒 盛盒 监蓝篮 临监 览觉 觉学 学字 毛手 关美 美羊 姜美 首自 白自 百白
    皇星 泉皇 的约 伯怕拍泊 拍柏 迫伯 帛皂 皆昆 比此 北比 批披 波坡披 被披 级极 吸级 圾极 爪瓜 爬爪 孤瓜
    斗头 买头 实头 矿旷扩 庄床 壮状 装袋 袭装 裂装 表丧 丧丢 辰展 展屉 振晨 震霞 雾霜 露霜 霄宵 肖宵
    消悄俏 稍悄 销消 削肖 着看
    """
}
